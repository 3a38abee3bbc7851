import { accepted, type Parser, rejected } from './setting-value.ts';

/** A port to publish, such as `8080:80` or `127.0.0.1:8080:80/udp`. */
export const publishedPort: Parser<string> = (raw) => matching(raw, publishedPattern, publishedShape);
const publishedPattern = /^(?:(?:[\d.]+|\[[0-9A-Fa-f:]+\]):)?(?:\d{1,5}:)?\d{1,5}(?:\/(?:tcp|udp))?$/;
const publishedShape = '`[address:]port:port[/udp]`, such as `8080:80`';

/** A name on a network. */
export const networkName: Parser<string> = (raw) =>
  matching(raw, /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/, 'a name of letters, digits and `_ . -`');

/** A user by number. */
export const containerUser: Parser<string> = (raw) =>
  matching(raw, /^\d{1,10}(?::\d{1,10})?$/, '`uid` or `uid:gid`, as numbers');

function matching(raw: unknown, pattern: RegExp, shape: string) {
  return typeof raw === 'string' && pattern.test(raw) ? accepted(raw) : rejected('malformed', shape);
}
