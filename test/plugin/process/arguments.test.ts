import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { endAll, type Program, startBus, startSidecar } from '../../sidecar/processes.ts';
import { spawnPlugin } from './plugin-process.ts';

const bytes = `Buffer.from('1')`;

/** Each call with its error; what precedes the colon names the call, what follows the argument. */
const wrong: readonly (readonly [call: string, error: string])[] = [
  [
    `plugin.publish('platform.oms.x', 'a string')`,
    'publish: payload is a string; it must be a Uint8Array, such as Buffer.from("text")',
  ],
  [`plugin.publish('platform.oms.x')`, 'publish: payload is missing; it must be a Uint8Array'],
  [`plugin.publish('platform.oms.x', null)`, 'publish: payload is null; it must be a Uint8Array'],
  [`plugin.publish('platform.oms.x', { a: 1 })`, 'publish: payload is an object of Object; it must be'],
  [`plugin.publish('platform.oms.x', new ArrayBuffer(1))`, 'publish: payload is an object of ArrayBuffer; it must be'],
  [`plugin.publish('platform.oms.x', new Uint16Array(1))`, 'publish: payload is an object of Uint16Array; it must be'],
  [`plugin.publish(7, ${bytes})`, 'publish: topic is the number 7; it must be a string'],
  [
    `plugin.publish('platform.oms.\\ud800', ${bytes})`,
    'publish: topic is a string; it must be a string of valid Unicode',
  ],
  [`plugin.publish('platform.oms.x', ${bytes}, 'key')`, 'publish: options is a string; it must be an object'],
  [`plugin.publish('platform.oms.x', ${bytes}, null)`, 'publish: options is null; it must be an object'],
  [
    `plugin.publish('platform.oms.x', ${bytes}, { payloadType: 7 })`,
    'publish: options.payloadType is the number 7; it must be a string',
  ],
  [
    `plugin.publish('platform.oms.x', ${bytes}, { dedupKey: Symbol('k') })`,
    'publish: options.dedupKey is a symbol; it must be a string',
  ],
  [
    `plugin.publish('platform.oms.x', ${bytes}, { tsEventNs: 1767225600000 })`,
    'publish: options.tsEventNs is the number 1767225600000; it must be a bigint',
  ],
  [
    `plugin.publish('platform.oms.x', ${bytes}, { tsEventNs: 2n ** 63n })`,
    'publish: options.tsEventNs is the bigint 9223372036854775808; it must be a bigint from 0 to 2n ** 63n - 1n',
  ],
  [
    `plugin.publish('platform.oms.x', ${bytes}, { dedupkey: 'a' })`,
    'publish: there is no options.dedupkey; did you mean dedupKey?',
  ],
  [
    `plugin.publish('platform.oms.x', ${bytes}, { dedup_key: 'a' })`,
    'publish: there is no options.dedup_key; did you mean dedupKey?',
  ],
  [
    `plugin.publish('platform.oms.x', ${bytes}, { colour: 'a' })`,
    'publish: there is no options.colour; there are payloadType, correlationId',
  ],
  [`plugin.publish('platform.oms.x', ${bytes}, { toString: 'a' })`, 'publish: there is no options.toString; there are'],
  [`plugin.request('platform.ask.x', '1')`, 'request: payload is a string; it must be a Uint8Array'],
  [`plugin.request(undefined, ${bytes})`, 'request: topic is missing; it must be a string'],
  [
    `plugin.request('platform.ask.x', ${bytes}, { timeoutMs: 1.5 })`,
    'request: options.timeoutMs is the number 1.5; it must be a whole number from 0 to 2147483647',
  ],
  [
    `plugin.request('platform.ask.x', ${bytes}, { timeout: 1 })`,
    'request: there is no options.timeout; did you mean timeoutMs?',
  ],
  [`plugin.subscribe('platform.oms.*', { name: 'a' })`, 'subscribe: handler is missing; it must be a function'],
  [`plugin.subscribe('platform.oms.*', () => {})`, 'subscribe: options is a function; it must be an object'],
  [`plugin.subscribe('platform.oms.*', {}, () => {})`, 'subscribe: options.name is missing; it must be a string'],
  [`plugin.subscribe(/x/, { name: 'a' }, () => {})`, 'subscribe: pattern is an object of RegExp; it must be a string'],
  [
    `plugin.subscribe('platform.oms.*', { name: 'a', startTimeNs: 1 }, () => {})`,
    'subscribe: options.startTimeNs is the number 1; it must be a bigint',
  ],
  [
    `plugin.subscribe('platform.oms.*', { name: 'a', idleExpiryS: -1 }, () => {})`,
    'subscribe: options.idleExpiryS is the number -1; it must be a whole number',
  ],
  [
    `plugin.subscribe('platform.oms.*', { name: 'a', window: { messages: 1 } }, () => {})`,
    'subscribe: options.window is an object of Object; it must be an object with `messages`',
  ],
  [
    `plugin.subscribe('platform.oms.*', { name: 'a', deadLetters: { attempts: 1, topic: 'a' } }, () => {})`,
    'subscribe: options.deadLetters is an object of Object; it must be an object with `afterAttempts`',
  ],
  [
    `plugin.subscribe('platform.oms.*', { name: 'a', deadLetter: {} }, () => {})`,
    'subscribe: there is no options.deadLetter; did you mean deadLetters?',
  ],
  [`plugin.serve('platform.oms.x')`, 'serve: handler is missing; it must be a function'],
  [`plugin.serve(null, () => {})`, 'serve: pattern is null; it must be a string'],
  [`plugin.saveState('1')`, 'saveState: state is a string; it must be a Uint8Array'],
  [
    `plugin.saveState(${bytes}, { acknowledge: { position: 1n } })`,
    'saveState: options.acknowledge is an object of Object; it must be an array of messages',
  ],
  [
    `plugin.saveState(${bytes}, { acknowledge: [{ position: 1 }] })`,
    'saveState: options.acknowledge is an object of Array; it must be an array of messages',
  ],
  [`plugin.saveState(${bytes}, { ack: [] })`, 'saveState: there is no options.ack; there are acknowledge'],
  ['plugin.onStop()', 'onStop: hook is missing; it must be a function'],
  [`plugin.onHealthCheck(true)`, 'onHealthCheck: check is a boolean; it must be a function'],
  [`plugin.onDegrade('x')`, 'onDegrade: hook is a string; it must be a function'],
  [`plugin.onResume({})`, 'onResume: hook is an object of Object; it must be a function'],
  [`plugin.onLost(1)`, 'onLost: hook is the number 1; it must be a function'],
  [`plugin.stop(7)`, 'stop: reason is the number 7; it must be a string'],
  [`connect({ adress: '127.0.0.1:1' })`, 'connect: there is no options.adress; did you mean address?'],
  [`connect({ address: 9191 })`, 'connect: options.address is the number 9191; it must be a string'],
  [`connect({ waitTimeoutMs: '1s' })`, 'connect: options.waitTimeoutMs is a string; it must be a whole number'],
  [`connect({ schemaVersion: 1 })`, 'connect: options.schemaVersion is the number 1; it must be a string'],
  [
    `connect({ log: console.log })`,
    'connect: options.log is a function; it must be an object with the functions debug',
  ],
];

describe('the client for Node', () => {
  let plugin: Program;
  beforeAll(async () => {
    const bus = await startBus();
    const { address } = await startSidecar(bus.address);
    plugin = spawnPlugin(
      address,
      `
        const calls = [${wrong.map(([call]) => `async () => ${call}`).join(',\n')}];
        for (const [index, call] of calls.entries()) {
          await call().then(
            (result) => console.log(index + ' resolved with ' + JSON.stringify(result)),
            (error) => console.log(index + ' ' + error.name + ': ' + error.message),
          );
        }
        await plugin.serve('platform.oms.eval', ({ payload }) => eval(Buffer.from(payload).toString()));
        for (const answer of ['undefined', '"text"', '({ payload: "text" })', '({ payload: Buffer.from("1"), type: "x" })']) {
          console.log('answer ' + JSON.stringify(await plugin.request('platform.oms.eval', Buffer.from(answer))));
        }
        const last = await plugin.request('platform.oms.eval', Buffer.from('({ payload: Buffer.from("1") })'));
        console.log('last ' + last.outcome + ' ' + (await plugin.publish('platform.oms.x', ${bytes}, { dedupKey: undefined })).outcome);
        await plugin.stop();
      `,
    );
    await plugin.exited;
  });
  afterAll(endAll);

  test.each(wrong.map(([call, error], index) => ({ call, error, index })))(
    'says of $call: $error',
    ({ error, index }) => {
      const [, seen] = new RegExp(`^${index} (.*)$`, 'm').exec(plugin.stdout) ?? [];
      expect(seen, plugin.output).toContain(`TypeError: ${error}`);
    },
  );

  test('tells caller and log of an answer that is none, and goes on to serve', () => {
    const answers = [...plugin.stdout.matchAll(/^answer (.*)$/gm)].map(([, json = '']) => JSON.parse(json));
    const details = [
      'serve: answer is missing; it must be an object',
      'serve: answer is a string; it must be an object',
      'serve: answer.payload is a string; it must be a Uint8Array, such as Buffer.from("text")',
      'serve: there is no answer.type; there are payload, payloadType',
    ];
    expect(answers, plugin.output).toEqual(details.map((detail) => ({ outcome: 'handler_error', detail })));
    for (const detail of details) expect(plugin.stderr).toContain(detail);
  });

  test('takes an option that is undefined as absent, and stops without a reason', async () => {
    expect(plugin.stdout).toContain('last answered accepted');
    expect(await plugin.exited).toBe(0);
  });
});
