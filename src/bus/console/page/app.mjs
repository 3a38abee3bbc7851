import { Plots } from './plots.mjs';
import { follow } from './stream.mjs';
import { fill, showTable, textOf } from './tables.mjs';

const byId = (id) => document.getElementById(id);
const plots = new Plots();
let state;
let token = '';

function show() {
  if (!state) return;
  const { bus, instances, grants, topics, subscriptions, deadLetters, problems } = state;
  byId('about').textContent = `${bus.deployment} · ${bus.version} · ${bus.store}`;
  const filter = byId('filter').value.trim().toLowerCase();
  const table = (id, all, row) => showTable(byId(id), { ...all, filter }, row);
  table('instances', instances, (each) => ({
    key: `${each.instance} ${each.epoch}`,
    cells: [
      ...[each.instance, each.state, each.version, each.pool],
      each.connected ? 'open' : { text: 'lost', bad: true },
      { text: `${(each.leaseMs / 1000).toFixed(1)} s`, number: true },
      { text: each.subscriptions, number: true },
      { text: each.lag, number: true },
    ],
  }));
  table('grants', grants, (each) => ({
    key: `${each.instance} ${each.action} ${each.pattern}`,
    cells: [each.instance, `${each.action} ${each.pattern}`, each.why, { command: each.command }],
  }));
  table('topics', topics, (each) => ({
    key: each.name,
    cells: [
      each.name,
      { text: each.published, number: true },
      { text: each.delivered, number: true },
      ...plots.cells('topics', each.name, ['published', 'delivered', 'latency']),
    ],
  }));
  table('subscriptions', subscriptions, (each) => ({
    key: each.key,
    cells: [
      ...[`${each.keeper} ${each.name}`, each.pattern, each.inUse ? 'yes' : 'no'],
      { text: each.unacknowledged, number: true },
      { text: each.lag, number: true },
      ...plots.cells('subscriptions', each.key, ['lag', 'delivered', 'latency']),
    ],
  }));
  table('dead-letters', deadLetters, (each) => ({
    key: `${each.atMs} ${each.messageId} ${each.subscription} ${each.instance}`,
    cells: [
      ...[timeOf(each.atMs), each.instance, each.subscription, each.topic, each.payloadType],
      `none of ${each.attempts} attempts succeeded; kept on ${each.deadLetterTopic}`,
    ],
  }));
  table('problems', problems, (each, index) => ({
    key: `${problems.total - index}`,
    cells: [timeOf(each.atMs), { link: `#help-${each.kind}`, text: each.kind }, each.who, each.reason],
  }));
}

function timeOf(atMs) {
  return new Date(atMs).toLocaleTimeString([], { hour12: false });
}

function showGuide(guide) {
  const entries = Object.entries(guide).flatMap(([kind, { means, next }]) => {
    const term = textOf('dt', kind);
    term.id = `help-${kind}`;
    term.tabIndex = -1;
    const remedy = document.createElement('dd');
    // Every second part is a command.
    const parts = `${means}. To do: ${next}.`.split('`');
    remedy.append(...parts.map((part, index) => (index % 2 === 1 ? textOf('code', part) : part)));
    return [term, remedy];
  });
  fill(byId('troubleshooting').querySelector('dl'), entries);
}

const on = {
  guide: showGuide,
  hour(hour) {
    plots.set(hour);
    show();
  },
  sample(sample) {
    plots.add(sample);
    show();
  },
  state(now) {
    state = now;
    show();
  },
};

function connected(isConnected, detail) {
  const line = byId('connection');
  line.textContent = detail;
  line.classList.toggle('lost', !isConnected);
  if (isConnected) {
    byId('sign-in').hidden = true;
    byId('shown').hidden = false;
  }
}

/** Shows nothing of the bus until an administrator is known. */
function refused(reason) {
  state = undefined;
  byId('shown').hidden = true;
  for (const body of document.querySelectorAll('tbody')) fill(body, []);
  byId('about').textContent = '';
  byId('refusal').textContent = token === '' ? '' : reason;
  byId('sign-in').hidden = false;
  byId('token').focus();
  connected(false, 'not signed in');
}

function start() {
  void follow({ token, on, connected, refused });
}

byId('sign-in').addEventListener('submit', (event) => {
  event.preventDefault();
  token = byId('token').value.trim();
  byId('token').value = '';
  start();
});
byId('filter').addEventListener('input', show);
document.addEventListener('keydown', (event) => {
  const isTyping = event.target instanceof HTMLInputElement;
  if (event.key === '/' && !isTyping) {
    event.preventDefault();
    byId('filter').focus();
  } else if (event.key === 'Escape' && event.target === byId('filter')) {
    byId('filter').value = '';
    byId('filter').blur();
    show();
  }
});
start();
