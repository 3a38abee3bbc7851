import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { realScheduler } from '../../src/base/time/real-scheduler.ts';
import { Relay, type RelayOptions } from '../../src/transport/relay.ts';

const relays: Relay[] = [];
const servers: Server[] = [];
const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const relay of relays.splice(0)) relay.close();
  for (const server of servers.splice(0)) server.close();
});

/** A server that sends its name, and then everything back. */
async function echo(name: string): Promise<string> {
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.write(`${name}:`);
    socket.pipe(socket);
  });
  servers.push(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function listen(options: Partial<RelayOptions> = {}): Promise<Relay> {
  const relay = await Relay.listen({
    address: '127.0.0.1:0',
    scheduler: realScheduler,
    connectionsMax: 8,
    holdMs: 60_000,
    onUnreachable() {},
    ...options,
  });
  relays.push(relay);
  return relay;
}

async function open({ address }: Relay): Promise<Socket> {
  const socket = connect(Number(address.split(':')[1]), '127.0.0.1').on('error', () => {});
  sockets.push(socket);
  await once(socket, 'connect');
  return socket;
}

/** Sends a text, and resolves with what came back: the name of the server, and the text. */
function said(socket: Socket, text: string | Buffer): Promise<string> {
  const all = Promise.withResolvers<string>();
  let heard = '';
  const onData = (chunk: Buffer): void => {
    heard += chunk.toString('latin1');
    if (heard.length < text.length + 'a:'.length) return;
    socket.off('data', onData);
    all.resolve(heard);
  };
  socket.on('data', onData);
  socket.once('close', () => all.reject(new Error('the connection was closed')));
  socket.write(text);
  return all.promise;
}

test('a connection is passed on byte for byte, in both directions', async () => {
  const relay = await listen();
  relay.goTo(await echo('a'));
  const bytes = Buffer.alloc(1_000_000, 'some bytes \0\xff');
  expect(await said(await open(relay), bytes)).toBe(`a:${bytes.toString('latin1')}`);
});

test('a connection waits for a target, and goes to the one that is set then', async () => {
  const relay = await listen();
  const waiting = said(await open(relay), 'early');
  relay.goTo(await echo('b'));
  expect(await waiting).toBe('b:early');
});

test('a connection whose target refuses it goes to the next target; one that was passed on stays', async () => {
  const told: string[] = [];
  const tell = Promise.withResolvers<void>();
  const relay = await listen({
    onUnreachable(target) {
      told.push(target);
      tell.resolve();
    },
  });
  relay.goTo(await echo('a'));
  const settled = await open(relay);
  expect(await said(settled, 'one')).toBe('a:one');
  relay.goTo('127.0.0.1:1');
  const refused = said(await open(relay), 'two');
  await tell.promise;
  expect(told).toContain('127.0.0.1:1');
  relay.goTo(await echo('b'));
  expect(await refused).toBe('b:two');
  settled.write('!');
  expect(String(await once(settled, 'data'))).toBe('!');
});

test('a connection that nobody takes is closed after a while, and so is one too many', async () => {
  const relay = await listen({ holdMs: 50, connectionsMax: 1 });
  const held = await open(relay);
  const tooMany = await open(relay);
  const closed = [held, tooMany].map((socket) => once(socket.resume(), 'close'));
  await Promise.all(closed);
});

test('when one end closes, so does the other', async () => {
  const relay = await listen();
  relay.goTo(await echo('a'));
  const client = await open(relay);
  await said(client, 'one');
  const [served] = sockets.filter((socket) => socket !== client);
  client.destroy();
  await once(served?.resume() ?? client, 'close');
  const another = await open(relay);
  await said(another, 'two');
  const ended = once(another, 'close');
  sockets.at(-1)?.destroy();
  await ended;
});

test('a relay that stops listening frees its address and keeps what it has', async () => {
  const relay = await listen();
  relay.goTo(await echo('a'));
  const client = await open(relay);
  await said(client, 'one');
  relay.stopListening();
  const second = await listen({ address: relay.address });
  expect(second.address).toBe(relay.address);
  client.write('!');
  expect(String(await once(client, 'data'))).toBe('!');
});
