// Put into the app of node-plugin: publishes on and on, and writes down what was accepted and what came back.
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'meridian-plugin';

const plugin = await connect();
const payload = Buffer.alloc(Number(process.env.LOAD_BYTES ?? 200), 'x');
const say = (line) => process.stdout.write(`${line}\n`);
let stopping = false;

async function publishOnAndOn() {
  while (!stopping) {
    const published = await plugin.publish('demo.load', payload);
    if (published.outcome === 'accepted') {
      say(`accepted ${published.messageId}`);
    } else {
      say(`${published.outcome} ${published.reason}`);
      await sleep(100);
    }
  }
}

await plugin.subscribe('demo.load', { name: 'load' }, (message) => {
  say(`received ${message.messageId}${message.maybeRedelivered ? ' again' : ''}`);
});
const lanes = Promise.all(Array.from({ length: Number(process.env.LOAD_LANES ?? 16) }, publishOnAndOn));
// What is still being published when the plugin is told to stop is waited for.
plugin.onStop(() => {
  stopping = true;
  return lanes;
});
say('running');
await plugin.stopped;
process.exit(0);
