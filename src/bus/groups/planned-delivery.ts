import type { StoredMessage } from '../store/store.ts';
import type { GroupMember } from './group-member.ts';
import type { GroupWork, Work } from './group-work.ts';

/** A message that is about to go to a member of a group. */
export class PlannedDelivery {
  readonly work: Work;
  readonly member: GroupMember;
  readonly #message: StoredMessage;
  readonly #groupWork: GroupWork;

  /** Takes the credit of the member, and counts the message as in flight. */
  constructor(
    groupWork: GroupWork,
    { work, message, member }: { readonly work: Work; readonly message: StoredMessage; readonly member: GroupMember },
  ) {
    this.work = work;
    this.member = member;
    this.#message = message;
    this.#groupWork = groupWork;
    const { instanceId, epoch } = member.options.writer;
    member.takeCredit(message);
    groupWork.send(work, { instanceId, epoch });
  }

  get position(): bigint {
    return this.work.position;
  }

  /** It is not sent, and waits again. */
  takeBack(): void {
    this.member.giveCreditBack(this.#message);
    this.#groupWork.unsend(this.work);
  }

  /** Once it is recorded. */
  send(): void {
    const { attempts, isRepeat } = this.work;
    // What is recorded for a member that left is redelivered with the rest that it had.
    if (this.member.isClosed) return;
    this.member.send({ message: this.#message, maybeRedelivered: isRepeat, attempt: attempts + 1 });
  }

  /** It was acked while it waited for redelivery. */
  drop(): void {
    this.#groupWork.finish(this.position);
    this.member.giveCreditBack(this.#message);
  }
}
