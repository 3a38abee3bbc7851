/** Shows rows, each an object with a key and its cells. Rows and cells that stay the same are left alone, and so are focus and selection. */
export function showTable(section, { rows, more = 0, total = rows.length + more, filter }, rowOf) {
  const body = section.querySelector('tbody');
  const labels = [...section.querySelectorAll('th')].map(({ textContent }) => textContent);
  const made = rows.map(rowOf).filter(({ cells }) => filter === '' || textIn(cells).includes(filter));
  const old = new Map([...body.rows].map((row) => [row.dataset.key, row]));
  fill(
    body,
    made.map(({ key, cells }) => {
      const row = old.get(key) ?? emptyRow(key, labels);
      for (const [index, cell] of cells.entries()) showCell(row.cells[index], cell);
      return row;
    }),
  );
  section.querySelector('table').hidden = made.length === 0;
  section.querySelector('.none').hidden = rows.length > 0;
  const hidden = rows.length - made.length;
  const notes = [more > 0 && 'There is more than this page shows.', hidden > 0 && `${hidden} hidden by the filter.`];
  setText(section.querySelector('.more'), notes.filter(Boolean).join(' '));
  setText(document.getElementById(`count-${section.id}`), `${total}`);
}

/** Makes these the children, in this order. */
export function fill(parent, children) {
  const wanted = new Set(children);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  for (const [index, child] of children.entries()) {
    if (parent.children[index] !== child) parent.insertBefore(child, parent.children[index] ?? null);
  }
}

export function textOf(name, text) {
  const element = document.createElement(name);
  element.textContent = text;
  return element;
}

function emptyRow(key, labels) {
  const row = document.createElement('tr');
  row.dataset.key = key;
  for (const label of labels) row.insertCell().dataset.label = label;
  return row;
}

function textIn(cells) {
  return cells
    .map((cell) => (typeof cell === 'object' ? (cell.text ?? cell.command ?? '') : cell))
    .join(' ')
    .toLowerCase();
}

function showCell(place, cell) {
  const {
    text = '',
    number = false,
    bad = false,
    command,
    link,
    plot,
  } = typeof cell === 'object' ? cell : { text: cell };
  place.classList.toggle('number', number);
  place.classList.toggle('bad', bad);
  if (plot) {
    if (place.firstChild !== plot) place.replaceChildren(plot);
  } else if (command !== undefined) showCommand(place, command);
  else if (link !== undefined) {
    if (place.firstChild?.textContent === text) return;
    const anchor = textOf('a', text);
    anchor.href = link;
    place.replaceChildren(anchor);
  } else setText(place, `${text}`);
}

function showCommand(place, command) {
  if (place.querySelector('code')?.textContent === command) return;
  const button = textOf('button', 'Copy');
  button.addEventListener('click', async () => {
    await navigator.clipboard?.writeText(command);
    button.textContent = 'Copied';
  });
  const line = document.createElement('div');
  line.append(textOf('code', command), ' ', button);
  place.replaceChildren(line);
}

function setText(place, text) {
  if (place.textContent !== text) place.textContent = text;
}
