type NodeLanguage = 'javascript' | 'typescript';

const extensions: Readonly<Record<NodeLanguage, string>> = { javascript: 'js', typescript: 'ts' };

/** What a plugin in this language is made of: the program, what it does, and a test of that. The texts by the names of their files. */
export function pluginFiles(language: NodeLanguage): Record<string, string> {
  const extension = extensions[language];
  const greetings = `./greetings.${extension}`;
  return {
    [`plugin.${extension}`]: programText(greetings),
    [`greetings.${extension}`]: greetingsText(language),
    [`greetings.test.${extension}`]: testText(greetings),
  };
}

function programText(greetings: string): string {
  return `// A plugin beside its Meridian sidecar.
import { connect } from 'meridian-plugin';
import { start } from ${quoted(greetings)};

const plugin = await connect(); // waits for the sidecar
console.log(\`connected as \${plugin.identity.instanceId}\`);
await start(plugin);
await plugin.stopped; // SIGTERM, or the sidecar, stops it
`;
}

/** The same in JavaScript and TypeScript but for one type. */
function greetingsText(language: NodeLanguage): string {
  const [imported, typed] =
    language === 'typescript' ? ["import type { Plugin } from 'meridian-plugin';\n\n", ': Plugin'] : ['', ''];
  return `${imported}/** Greets everybody when it starts, hears greetings, and counts its starts. */
export async function start(plugin${typed}) {
  const saved = await plugin.loadState();
  const starts = 1 + (saved ? Number(Buffer.from(saved)) : 0);

  await plugin.subscribe('demo.hello', { name: 'hello' }, (message) => {
    console.log(\`\${message.sourceId}: \${Buffer.from(message.payload)}\`); // acknowledged when this returns
  });
  await plugin.serve('demo.starts', () => ({ payload: Buffer.from(\`\${starts}\`) }));

  // Killed before the state is saved, the next start publishes the same again, and the key keeps it from being stored twice.
  const about = { payloadType: 'text/plain', dedupKey: \`hello-\${starts}\` };
  const { outcome } = await plugin.publish('demo.hello', Buffer.from(\`hello, start \${starts}\`), about);
  console.log(\`published: \${outcome}\`);
  await plugin.saveState(Buffer.from(\`\${starts}\`));
}
`;
}

function testText(greetings: string): string {
  return `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startPlatform } from 'meridian-plugin/testing';
import { start } from ${quoted(greetings)};

test('it greets at each start, also after it was killed', async (t) => {
  const platform = await startPlatform(); // a bus in memory, on virtual time
  t.after(() => platform.stop());

  const first = await platform.addInstance({ instanceId: 'greeter-0' });
  await start(await first.connect());
  const hello = await platform.next('demo.hello');
  assert.equal(Buffer.from(hello.payload).toString(), 'hello, start 1');
  first.kill();

  const second = await platform.addInstance({ instanceId: 'greeter-0' });
  await start(await second.connect());
  const again = await platform.next('demo.hello');
  assert.equal(Buffer.from(again.payload).toString(), 'hello, start 2');

  const friend = await platform.connect();
  const starts = await friend.request('demo.starts', Buffer.from(''));
  assert.ok(starts.outcome === 'answered');
  assert.equal(Buffer.from(starts.payload).toString(), '2');
});
`;
}

/** The path is of the new folder, not of this one. */
function quoted(file: string): string {
  return `'${file}'`;
}

/** The same plugin in Python. */
export const pythonProgram = `"""A plugin beside its Meridian sidecar: it greets everybody when it starts, hears greetings, and counts its starts."""

import asyncio

from meridian_plugin import Answer, DeliveredMessage, Plugin, connect


def on_hello(message: DeliveredMessage) -> None:
    print(f"{message.source_id}: {message.payload.decode()}", flush=True)


async def greet(plugin: Plugin) -> None:
    starts = 1 + int(await plugin.load_state() or 0)

    await plugin.subscribe("demo.hello", on_hello, name="hello")  # acknowledged when on_hello returns
    await plugin.serve("demo.starts", lambda _: Answer(str(starts).encode()))

    # Killed before the state is saved, the next start publishes the same again, and the key keeps it from being stored twice.
    published = await plugin.publish(
        "demo.hello",
        f"hello, start {starts}".encode(),
        payload_type="text/plain",
        dedup_key=f"hello-{starts}",
    )
    print(f"published: {published.outcome}", flush=True)
    await plugin.save_state(str(starts).encode())


async def main() -> None:
    plugin = await connect()  # waits for the sidecar
    print(f"connected as {plugin.identity.instance_id}", flush=True)
    await greet(plugin)
    await plugin.stopped()  # SIGTERM, or the sidecar, stops it


if __name__ == "__main__":
    asyncio.run(main())
`;

/** Its test, for pytest. */
export const pythonTest = `"""Tests of the plugin: each has a bus and a sidecar of its own."""

import asyncio

from meridian_plugin import DeliveredMessage, connect
from meridian_plugin.testing import RunningSidecar, sidecar

from plugin import greet


def test_it_greets_everybody_and_counts_its_starts(
    meridian_sidecar: RunningSidecar,
) -> None:
    async def story() -> None:
        heard: asyncio.Queue[DeliveredMessage] = asyncio.Queue()
        async with sidecar(instance_id="peer-0", bus_address=meridian_sidecar.bus_address) as other:
            async with await connect(address=other.address) as peer:
                await peer.subscribe("demo.hello", heard.put_nowait, name="hello")
                for starts in (b"1", b"2"):
                    async with await connect(address=meridian_sidecar.address) as plugin:
                        await greet(plugin)
                        assert (await heard.get()).payload == b"hello, start " + starts
                        answer = await peer.request("demo.starts", b"")
                        assert answer.outcome == "answered"
                        assert answer.payload == starts

    asyncio.run(story())
`;
