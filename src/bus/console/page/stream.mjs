const retryMs = 1_000;
/** The bus tells something every second. */
const silentMs = 10_000;

/**
 * Follows the events of the bus until it refuses, and connects again when it is lost. `EventSource` cannot present a credential.
 */
export async function follow({ token, on, connected, refused }) {
  for (;;) {
    const stop = new AbortController();
    let silence = setTimeout(() => stop.abort(), silentMs);
    try {
      const headers = token === '' ? {} : { authorization: `Bearer ${token}` };
      const response = await fetch('/events', { headers, signal: stop.signal, cache: 'no-store' });
      if (response.status === 401 || response.status === 403) return refused((await response.text()).trim());
      if (!response.ok) throw new Error((await response.text()).trim());
      connected(true, 'live');
      for await (const { event, data } of eventsOf(response.body)) {
        clearTimeout(silence);
        silence = setTimeout(() => stop.abort(), silentMs);
        on[event]?.(JSON.parse(data));
      }
      connected(false, 'the bus ended the connection; connecting again');
    } catch (error) {
      connected(false, `the bus cannot be reached: ${error.message}; trying again`);
    } finally {
      clearTimeout(silence);
    }
    await new Promise((resolve) => setTimeout(resolve, retryMs));
  }
}

/** https://html.spec.whatwg.org/multipage/server-sent-events.html, as far as this server writes it. */
async function* eventsOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let received = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    received += value;
    const blocks = received.split('\n\n');
    received = blocks.pop() ?? '';
    for (const block of blocks) {
      const [, event = '', data = ''] = /^event: (.*)\ndata: (.*)$/.exec(block) ?? [];
      if (event !== '') yield { event, data };
    }
  }
}
