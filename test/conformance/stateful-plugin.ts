/** A plugin that keeps state as its first argument says. Its second argument, when given, makes it publish as that says. */
import { connect } from '../../src/plugin/index.ts';

export type Keeping = 'saves-each-message' | 'saves-when-it-stops' | 'loads-with-the-first-message';
export type Publishing = 'once' | 'each-message';

const keeping = process.argv[2] as Keeping;
const publishing = process.argv[3] as Publishing | undefined;
const about = { payloadType: 'text/plain' };

const plugin = await connect();
let taken: number | undefined = keeping === 'loads-with-the-first-message' ? undefined : await load();
if (keeping === 'saves-when-it-stops') plugin.onStop(() => save());
if (publishing === 'once') void plugin.publish('demo.events', Buffer.from('up'), { ...about, dedupKey: 'up' });
await plugin.subscribe('demo.inputs', { name: 'inputs' }, async (message) => {
  taken = 1 + (taken ?? (await load()));
  if (keeping !== 'saves-when-it-stops') await save();
  if (publishing !== 'each-message') return;
  await plugin.publish('demo.events', message.payload, { ...about, dedupKey: message.messageId });
});
await plugin.stopped;

async function load(): Promise<number> {
  return Number(Buffer.from((await plugin.loadState()) ?? []).toString());
}

async function save(): Promise<void> {
  await plugin.saveState(Buffer.from(`${taken ?? 0}`));
}
