/**
 * A bus and sidecars inside a test, for the authors of plugins.
 *
 * ```ts
 * const platform = await startPlatform();
 * const plugin = await platform.connect({ instanceId: 'quotes-0' });
 * await plugin.publish('platform.data.eod', Buffer.from('1.5'));
 * const message = await platform.next('platform.data.*');
 * await platform.stop();
 * ```
 */
import { checkOptions } from '../plugin/arguments.ts';
import { type PlatformOptions, platformOptionKinds } from './options.ts';
import { TestPlatform } from './platform.ts';

export { type StopOutcome, TestInstance } from './instance.ts';
export type { Grants, InstanceOptions, NextOptions, PlatformOptions } from './options.ts';
export { TestPlatform } from './platform.ts';
export { TestKitError } from './test-kit-error.ts';

/**
 * Starts a bus that keeps everything in memory, inside this process. A test that started one stops it, too.
 * @throws TypeError for an option of another kind or an unknown one
 */
export async function startPlatform(options: PlatformOptions = {}): Promise<TestPlatform> {
  checkOptions('startPlatform', options, platformOptionKinds);
  return TestPlatform.start(options);
}
