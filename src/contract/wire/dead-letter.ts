import { matchTopic, topicProblem } from './topics/topic.ts';

/**
 * Why a subscription's dead-letter settings are not valid, or undefined. A limit of attempts without a topic would drop messages. A topic
 * that the pattern matches would deliver every dead letter to the subscription again.
 */
export function deadLetterFault(request: {
  readonly pattern: string;
  /** 0: no limit. */
  readonly maxAttempts: number;
  /** Empty: none. */
  readonly deadLetterTopic: string;
}): string | undefined {
  const { pattern, maxAttempts, deadLetterTopic } = request;
  if (maxAttempts === 0 && deadLetterTopic === '') return undefined;
  if (maxAttempts === 0) return `dead_letter_topic is "${deadLetterTopic}" and max_attempts is 0; set both or neither`;
  if (deadLetterTopic === '')
    return `max_attempts is ${maxAttempts} and dead_letter_topic is empty; set both or neither`;
  const fault = topicProblem(deadLetterTopic);
  if (fault !== undefined) return `the dead-letter topic "${deadLetterTopic}" is not a topic: it ${fault}`;
  if (!matchTopic(pattern, deadLetterTopic)) return undefined;
  return `the pattern ${pattern} matches its own dead-letter topic ${deadLetterTopic}`;
}
