import { matchTopic, topicFault } from './topic.ts';

/**
 * What is wrong with what a subscription asks of its dead letters; undefined when nothing is. A limit of attempts without a
 * topic would drop messages, and a topic that the pattern matches would bring every dead letter back.
 */
export function deadLetterFault(request: {
  readonly pattern: string;
  /** 0 is no limit. */
  readonly maxAttempts: number;
  /** Empty when there is none. */
  readonly deadLetterTopic: string;
}): string | undefined {
  const { pattern, maxAttempts, deadLetterTopic } = request;
  if (maxAttempts === 0 && deadLetterTopic === '') return undefined;
  if (maxAttempts === 0) return `dead_letter_topic is "${deadLetterTopic}" and max_attempts is 0; set both or neither`;
  if (deadLetterTopic === '')
    return `max_attempts is ${maxAttempts} and dead_letter_topic is empty; set both or neither`;
  const fault = topicFault(deadLetterTopic);
  if (fault !== undefined) return `the dead-letter topic "${deadLetterTopic}" is no topic: ${fault}`;
  if (!matchTopic(pattern, deadLetterTopic)) return undefined;
  return `the pattern ${pattern} matches its own dead-letter topic ${deadLetterTopic}`;
}
