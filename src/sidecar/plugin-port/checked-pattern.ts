import { limits } from '../../contract/wire/limits.ts';
import { patternProblem } from '../../contract/wire/topics/topic.ts';
import { RpcError } from '../../transport/status.ts';
import type { PluginPort } from './plugin-port.ts';

/**
 * @throws RpcError when the plugin may not subscribe to, or answer requests on, this pattern, or has too many subscriptions.
 */
export function checkPattern(port: PluginPort, pattern: string): void {
  const fault = patternProblem(pattern);
  if (fault !== undefined) throw new RpcError('INVALID_ARGUMENT', `"${pattern}" is not a pattern: it ${fault}`);
  const refusal = port.access.subscribeRefusal(pattern);
  if (refusal !== undefined) throw new RpcError('PERMISSION_DENIED', refusal);
  if (port.subscriptions.size + port.v1Patterns.sharingStreams < limits.subscriptions) return;
  throw new RpcError(
    'RESOURCE_EXHAUSTED',
    `there are ${limits.subscriptions} subscriptions already, which is the limit`,
  );
}
