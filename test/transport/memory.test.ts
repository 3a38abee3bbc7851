import { VirtualScheduler } from '../../src/base/virtual-scheduler.ts';
import { MemoryNetwork } from '../../src/transport/memory/network.ts';
import { describeNetwork } from './network-suite.ts';

const latency = { minMs: 0.1, maxMs: 5 };

describeNetwork('memory', (story) => {
  const scheduler = new VirtualScheduler(1);
  return scheduler.run(story(new MemoryNetwork(scheduler, { latency })));
});

describeNetwork('memory without latency', (story) => {
  const scheduler = new VirtualScheduler(1);
  return scheduler.run(story(new MemoryNetwork(scheduler)));
});
