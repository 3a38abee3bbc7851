import { UserFacingError } from '../../../base/user-facing-error.ts';
import { exitCodes } from '../../../contract/config/exit-codes.ts';

/** The target holds something that is not this store. Nothing there is overwritten. */
export function differentTarget(target: string): UserFacingError {
  return new UserFacingError({
    id: 'bus/store/move-target',
    found: `${target} holds another store, or this one after a bus has used it`,
    expected: 'A store is moved to where there is none. Nothing is overwritten.',
    next: ['Name a file that does not exist, or a --deployment that has no stream.'],
    exitCode: exitCodes.configuration,
  });
}

export function targetTooSmall({ bytes, limit }: { readonly bytes: number; readonly limit: number }): UserFacingError {
  return new UserFacingError({
    id: 'bus/store/move-size',
    found: `the messages of the store take ${bytes} bytes, and --store-bytes is ${limit}`,
    next: [`Give --store-bytes ${bytes} or more, here and to the bus.`],
    exitCode: exitCodes.configuration,
  });
}

/** A bus would go on with what is moved away, or write beside what is moved here. */
export function streamInUse(stream: string, by: string): UserFacingError {
  return new UserFacingError({
    id: 'bus/store/move-in-use',
    found: `a bus uses the stream ${stream}: ${by}`,
    expected: 'A store is moved while no bus uses it.',
    next: ['Stop every process of the bus, and run the command again.'],
    exitCode: exitCodes.configuration,
  });
}
