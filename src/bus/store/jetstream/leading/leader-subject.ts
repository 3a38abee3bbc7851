import type { NatsConnection, Subscription } from '@nats-io/transport-node';
import { messageOf, type UserFacingError } from '../../../../base/user-facing-error.ts';
import { notPermitted, permissionFault } from '../nats-fault.ts';

/** The process of a bus that writes the stream, and that serves the sidecars of all others. */
export interface Leader {
  /** `host:port` where the others reach it; empty until it listens. */
  readonly address: string;
  /** It is stopping: it takes nobody in any more, and another one may lead when it is gone. */
  readonly isLeaving: boolean;
}

/** `nobody`: no process leads. `silence`: one does, and does not answer. */
export type LeaderAnswer = Leader | 'nobody' | 'silence';

/** Longer than this a leader is not expected to be busy. */
const answerTimeoutMs = 1_000;
const answerBytesMax = 512;

export interface LeaderSubjectOptions {
  readonly connection: NatsConnection;
  readonly deployment: string;
  readonly nowMs: () => number;
  /** NATS does not permit to answer. */
  readonly onFault: (fault: UserFacingError) => void;
}

/** The subject on which the leader of a deployment answers who it is. It is outside of the stream, and nothing of it is stored. */
export class LeaderSubject {
  readonly #options: LeaderSubjectOptions;
  readonly #subject: string;
  #leader: Leader = { address: '', isLeaving: false };
  #answers: Subscription | undefined;
  #askedMs = -Infinity;

  constructor(options: LeaderSubjectOptions) {
    this.#options = options;
    this.#subject = `meridian-leader.${options.deployment}`;
  }

  /** NATS knows at once when a process is gone: https://docs.nats.io/nats-concepts/core-nats/reqreply#no-responders. @throws UserFacingError */
  async ask(): Promise<LeaderAnswer> {
    try {
      return leaderIn((await this.#options.connection.request(this.#subject, '', { timeout: answerTimeoutMs })).data);
    } catch (error) {
      const denied = permissionFault(error);
      if (denied) throw denied;
      return /^no responders/.test(messageOf(error)) ? 'nobody' : 'silence';
    }
  }

  /** Begins to answer that this process leads, or changes the answer. */
  announce(leader: Partial<Leader>): void {
    this.#leader = { ...this.#leader, ...leader };
    this.#answers ??= this.#options.connection.subscribe(this.#subject, {
      callback: (error, message) => {
        const denied = error && permissionFault(error);
        if (denied) this.#options.onFault(denied);
        if (error) return;
        this.#askedMs = this.#options.nowMs();
        message.respond(JSON.stringify(this.#leader));
      },
    });
  }

  /** What NATS does not permit shows in no answer of its own. @throws UserFacingError if nobody can hear that this process leads. */
  async checkHeard(): Promise<void> {
    for (let tries = 3; tries > 0; tries -= 1) {
      const answer = await this.ask();
      if (answer !== 'nobody' && answer !== 'silence') return;
    }
    throw notPermitted(`to answer on "${this.#subject}", or to publish to "_INBOX.>"`);
  }

  /** When another process asked last, by the clock of the options. */
  get askedMs(): number {
    return this.#askedMs;
  }

  stopAnswering(): void {
    this.#answers?.unsubscribe();
    this.#answers = undefined;
  }
}

/** What is not an answer of this kind counts as none. */
function leaderIn(data: Uint8Array): LeaderAnswer {
  if (data.length > answerBytesMax) return 'silence';
  try {
    const { address, isLeaving } = JSON.parse(Buffer.from(data).toString()) as Partial<Leader>;
    return typeof address === 'string' && typeof isLeaving === 'boolean' ? { address, isLeaving } : 'silence';
  } catch {
    return 'silence';
  }
}
