// Takes its time for each order, and tells all plugins of it: the logs show what was lost or repeated when its pod ended.
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'meridian-plugin';

const plugin = await connect();
const { instanceId } = plugin.identity;
let isHealthy = true;
plugin.onHealthCheck(() => isHealthy);
plugin.onStop((reason) => console.log(`stopping: ${reason}`));
void plugin.stopped.then(() => {
  console.log('left');
  process.exit(0);
});

const text = ({ payload }) => Buffer.from(payload).toString();
await plugin.subscribe('demo.done', { name: 'done' }, (message) => console.log(`heard: ${text(message)}`));
await plugin.subscribe('demo.orders', { name: 'orders' }, async (message) => {
  const order = text(message);
  console.log(`${instanceId} begins ${order}`);
  if (order === 'fall ill') isHealthy = false;
  await sleep(1_500);
  const { outcome } = await plugin.publish('demo.done', Buffer.from(`${instanceId} did ${order}`));
  console.log(`${instanceId} did ${order}, ${outcome}, attempt ${message.attempt}`);
});
console.log('running');
