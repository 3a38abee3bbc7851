interface Node<T> {
  readonly children: Map<string, Node<T>>;
  /** Values of patterns that end here. */
  readonly values: Set<T>;
  /** Values of patterns that continue with a last `**`. */
  readonly deep: Set<T>;
}

/**
 * Finds the values of the patterns that match a topic, by the rules of `matchTopic`. It walks along the topic's segments, so patterns that
 * do not match cost nothing. Patterns and topics must be valid.
 */
export class PatternIndex<T> {
  readonly #root: Node<T> = emptyNode();

  add(pattern: string, value: T): void {
    let node = this.#root;
    for (const segment of pathOf(pattern)) {
      let child = node.children.get(segment);
      if (!child) {
        child = emptyNode();
        node.children.set(segment, child);
      }
      node = child;
    }
    (isDeep(pattern) ? node.deep : node.values).add(value);
  }

  /** Does nothing if it was not added. */
  remove(pattern: string, value: T): void {
    const steps: { readonly node: Node<T>; readonly segment: string }[] = [];
    let node: Node<T> | undefined = this.#root;
    for (const segment of pathOf(pattern)) {
      steps.push({ node, segment });
      node = node.children.get(segment);
      if (!node) return;
    }
    (isDeep(pattern) ? node.deep : node.values).delete(value);
    for (const { node: parent, segment } of steps.reverse()) {
      const child = parent.children.get(segment);
      if (child && child.children.size + child.values.size + child.deep.size > 0) return;
      parent.children.delete(segment);
    }
  }

  /** Each value once for every matching pattern that it was added for. */
  matching(topic: string): T[] {
    const found: T[] = [];
    collect(this.#root, topic.split('.'), 0, found);
    return found;
  }
}

function collect<T>(node: Node<T>, segments: readonly string[], depth: number, found: T[]): void {
  const segment = segments[depth];
  if (segment === undefined) {
    for (const value of node.values) found.push(value);
    return;
  }
  // `**` matches at least one segment, and there is one.
  for (const value of node.deep) found.push(value);
  for (const key of [segment, '*']) {
    const child = node.children.get(key);
    if (child) collect(child, segments, depth + 1, found);
  }
}

function emptyNode<T>(): Node<T> {
  return { children: new Map(), values: new Set(), deep: new Set() };
}

function isDeep(pattern: string): boolean {
  return pattern === '**' || pattern.endsWith('.**');
}

/** The segments that lead to the pattern's node. */
function pathOf(pattern: string): string[] {
  const segments = pattern.split('.');
  return isDeep(pattern) ? segments.slice(0, -1) : segments;
}
