import { holdSeconds } from './profile-script.ts';
import type { Choice, StagingInputs } from './staging-inputs.ts';

/** The choices and their reasons, line by line, for the log of a push. */
export function describeChoices(inputs: StagingInputs): string[] {
  const { memoryMb, sidecarFor, instanceId, busAddress, holdsApp } = inputs;
  return [
    `Beside the process types: ${sidecarFor.value.join(', ')} (${why(sidecarFor, 'SIDECAR_FOR names others')})`,
    `Memory: ${memoryMb.value} MB (${why(memoryMb, 'SIDECAR_MEMORY changes it')})`,
    `Instance id: ${instanceId.value} (${why(instanceId, 'with -{process} before the index when that is not web')})`,
    `Bus API: ${busAddress.value} (${why(busAddress, 'SIDECAR_BUS_API_URL names another')})`,
    ...(holdsApp ? [`The app waits for its sidecar, ${holdSeconds} s at most (from SIDECAR_HOLD_APP)`] : []),
    `Give such a process at least ${memoryMb.value + 1}M; the app gets its memory less these ${memoryMb.value} MB`,
  ];
}

function why({ origin }: Choice<unknown>, ofDefault: string): string {
  return origin === undefined ? `default; ${ofDefault}` : `from ${origin}`;
}
