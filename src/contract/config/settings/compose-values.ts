import { accepted, type Parser, rejected } from './setting-value.ts';

const portMax = 65_535;
const octet = String.raw`(?:25[0-5]|2[0-4]\d|1?\d?\d)`;
const publishedPattern = new RegExp(
  String.raw`^(?:(?:${octet}(?:\.${octet}){3}|\[[0-9A-Fa-f:]+\]):)?(?:(\d{1,5}):)?(\d{1,5})(?:\/(?:tcp|udp))?$`,
);

/** A port to publish, such as `8080:80` or `127.0.0.1:8080:80/udp`. For the outer port 0 the engine chooses one. */
export const publishedPort: Parser<string> = (raw) =>
  matching(raw, {
    pattern: publishedPattern,
    shape: `\`[address:]port:port[/udp]\` with ports up to ${portMax}, such as \`8080:80\``,
    holds: ([outside = '0', inside = '0']) =>
      Number(outside) <= portMax && Number(inside) <= portMax && Number(inside) > 0,
  });

/** A network alias. */
export const networkName: Parser<string> = (raw) =>
  matching(raw, { pattern: /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/, shape: 'a name of letters, digits and `_ . -`' });

/** The engine's own limit: https://github.com/moby/sys/blob/main/user/user.go */
const userMax = 2_147_483_647;

/** A numeric user. */
export const containerUser: Parser<string> = (raw) =>
  matching(raw, {
    pattern: /^(\d{1,10})(?::(\d{1,10}))?$/,
    shape: `\`uid\` or \`uid:gid\`, as numbers up to ${userMax}`,
    holds: (numbers) => numbers.every((number = '0') => Number(number) <= userMax),
  });

interface Shape {
  readonly pattern: RegExp;
  /** Completes "It must be". */
  readonly shape: string;
  /** Checks the groups that the pattern matched. Absent: the pattern alone decides. */
  readonly holds?: (groups: readonly (string | undefined)[]) => boolean;
}

function matching(raw: unknown, { pattern, shape, holds }: Shape) {
  const match = typeof raw === 'string' ? pattern.exec(raw) : null;
  const isRight = match !== null && (holds === undefined || holds(match.slice(1)));
  return isRight ? accepted(match[0]) : rejected('malformed', shape);
}
