import { type Scheduler, sleep } from '../../../../base/time/scheduler.ts';
import type { Stream } from '../stream.ts';
import type { StreamWriter } from '../stream-writer.ts';
import type { Leader, LeaderSubject } from './leader-subject.ts';
import type { StreamCopy } from './stream-copy.ts';

export interface StandByOptions {
  readonly stream: Stream;
  readonly writer: StreamWriter;
  readonly leaderSubject: LeaderSubject;
  readonly copy: StreamCopy;
  readonly scheduler: Scheduler;
  /** Called with each answer of the leader, before the next question. */
  readonly onLeader: (leader: Leader) => Promise<void>;
  readonly signal: AbortSignal;
}

/** While a leader answers. It bounds how long nobody leads after one is gone. */
const askEveryMs = 200;
/** Between two questions after one that had no answer, and a random time up to it again: several may stand by. */
const askAgainAfterMs = 50;
/** A leader counts as gone after so much in a row. */
const missesMax = 3;
const misses = { nobody: 2, silence: 1 } as const;

/**
 * Follows the stream until this process is its only writer and the copy has all that is stored. Resolves with false if the signal aborts
 * before. Whether the leader is gone needs not be certain: one that is not is refused with its next write.
 * @throws UserFacingError
 */
export async function standBy(options: StandByOptions): Promise<boolean> {
  const { stream, writer, leaderSubject, copy, scheduler, onLeader, signal } = options;
  let missed = 0;
  let wasLeaving = false;
  while (!signal.aborted) {
    await readOn(stream, copy);
    const answer = await leaderSubject.ask();
    if (answer !== 'nobody' && answer !== 'silence') {
      missed = 0;
      wasLeaving = answer.isLeaving;
      await onLeader(answer);
      await sleep(scheduler, askEveryMs, signal);
      continue;
    }
    missed += answer === 'nobody' && wasLeaving ? missesMax : misses[answer];
    if (missed >= missesMax && !signal.aborted) {
      const upTo = await writer.takeOverAfter(copy.writtenAt);
      if (upTo !== undefined) {
        leaderSubject.announce({ address: '', isLeaving: false });
        if (await readUpTo(options, upTo)) return true;
        leaderSubject.stopAnswering();
      }
      missed = 0;
    }
    await sleep(scheduler, askAgainAfterMs * (1 + scheduler.random.next()), signal);
  }
  return false;
}

/** Reads all that the replica has. What is not answered is asked again with the next question. */
async function readOn(stream: Stream, copy: StreamCopy): Promise<void> {
  for (;;) {
    const entries = await stream.read(copy.readTo + 1).catch(() => []);
    if (entries.length === 0) return;
    copy.add(entries);
  }
}

const lagMs = 20;

/**
 * Reads until the copy has the writer's record with this sequence. A replica may lag, but it never skips: with the record it has all before
 * it. Resolves with false if another process has taken over meanwhile.
 */
export async function readUpTo(
  { stream, copy, scheduler }: Pick<StandByOptions, 'stream' | 'copy' | 'scheduler'>,
  upTo: number,
): Promise<boolean> {
  while (copy.writtenAt < upTo) {
    const entries = await stream.read(copy.readTo + 1).catch(() => []);
    if (entries.length === 0) await sleep(scheduler, lagMs);
    copy.add(entries);
  }
  return copy.readTo === upTo;
}
