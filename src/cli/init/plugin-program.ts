/** The plugin's program: the same in JavaScript and TypeScript but for one type. */
export function pluginProgram(language: 'javascript' | 'typescript'): string {
  const [imported, typed] =
    language === 'typescript' ? ['connect, type DeliveredMessage', ': DeliveredMessage'] : ['connect', ''];
  return `// A plugin beside its Meridian sidecar: it greets everybody when it starts, hears greetings, and counts its starts.
import { ${imported} } from 'meridian-plugin';

const plugin = await connect(); // waits for the sidecar
console.log(\`connected as \${plugin.identity.instanceId}\`);

const saved = await plugin.loadState();
const starts = 1 + (saved ? Number(Buffer.from(saved)) : 0);

const onHello = (message${typed}) => console.log(\`\${message.sourceId}: \${Buffer.from(message.payload)}\`);
await plugin.subscribe('demo.hello', { name: 'hello' }, onHello); // acknowledged when onHello returns
await plugin.serve('demo.starts', () => ({ payload: Buffer.from(\`\${starts}\`) }));

// Killed before the state is saved, the next start publishes the same again, and the key keeps it from being stored twice.
const about = { payloadType: 'text/plain', dedupKey: \`hello-\${starts}\` };
const { outcome } = await plugin.publish('demo.hello', Buffer.from(\`hello, start \${starts}\`), about);
console.log(\`published: \${outcome}\`);
await plugin.saveState(Buffer.from(\`\${starts}\`));

await plugin.stopped; // SIGTERM, or the sidecar, stops it
`;
}

/** The same plugin in Python. */
export const pythonProgram = `"""A plugin beside its Meridian sidecar: it greets everybody when it starts, hears greetings, and counts its starts."""

import asyncio

from meridian_plugin import Answer, DeliveredMessage, connect


def on_hello(message: DeliveredMessage) -> None:
    print(f"{message.source_id}: {message.payload.decode()}", flush=True)


async def main() -> None:
    plugin = await connect()  # waits for the sidecar
    print(f"connected as {plugin.identity.instance_id}", flush=True)

    saved = await plugin.load_state()
    starts = 1 + int(saved or 0)

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

    await plugin.stopped()  # SIGTERM, or the sidecar, stops it


asyncio.run(main())
`;
