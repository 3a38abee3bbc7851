import { isLoopbackAddress } from '../../base/loopback.ts';
import { ErrorList, UserFacingError } from '../../base/user-facing-error.ts';
import { exitCodes } from '../../contract/config/exit-codes.ts';
import type { TlsFiles } from '../../transport/rpc.ts';
import { openPolicy } from '../access/open-policy.ts';
import type { BusProgramSettings } from './bus-program-settings.ts';
import { type PolicyText, readPolicy } from './policy-file.ts';
import { readBusTls } from './tls-files.ts';

/** What the files of a bus say. */
export interface BusFiles {
  readonly policy: PolicyText;
  readonly tls: TlsFiles | undefined;
}

/** @throws ErrorList with the faults of all files; any other error unchanged. */
export async function readBusFiles(settings: BusProgramSettings): Promise<BusFiles> {
  const [policy, tls] = await inOnePass(readPolicyOf(settings), readBusTls(settings));
  return { policy, tls };
}

/** @throws UserFacingError `bus/policy/missing` */
async function readPolicyOf({ policyFile, listen }: BusProgramSettings): Promise<PolicyText> {
  if (policyFile !== undefined) return readPolicy(policyFile);
  if (isLoopbackAddress(listen)) return { text: '', policy: openPolicy };
  throw new UserFacingError({
    id: 'bus/policy/missing',
    found: `the bus has no policy, and is to listen on ${listen}, which others can reach`,
    expected: 'Without a policy everybody may do everything, so such a bus listens on loopback only.',
    next: ['Name a policy file with --policy, or leave --listen away.'],
    exitCode: exitCodes.configuration,
  });
}

/** Both results. @throws ErrorList with the problems of both; any other error unchanged. */
async function inOnePass<A, B>(first: Promise<A>, second: Promise<B>): Promise<[A, B]> {
  const outcomes = await Promise.allSettled([first, second]);
  const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
  const errors = failures.flatMap((failure): readonly unknown[] =>
    failure instanceof ErrorList ? failure.errors : [failure],
  );
  const ours = errors.filter((fault) => fault instanceof UserFacingError);
  if (ours.length > 0 && ours.length === errors.length) throw new ErrorList(ours);
  return Promise.all([first, second]);
}
