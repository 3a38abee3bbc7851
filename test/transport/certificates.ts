import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

/**
 * A certificate authority for tests, made with nothing but Node; X.509 as in RFC 5280, signed with Ed25519, or with ECDSA on P-256 for
 * clients that know no Ed25519.
 */
export function createAuthority(authorityName = 'Test authority', kind: keyof typeof signatures = 'ed25519') {
  const name = distinguishedName(authorityName);
  const { algorithm, digest, generate } = signatures[kind];
  const authority = generate();
  const isAuthority = extension('551d13', sequence(tlv(0x01, Buffer.from([0xff]))));
  const issue = (subject: Buffer, key: KeyObject, extensions: Buffer[], valid: Validity = {}): string => {
    const { from = new Date('2020-01-01T00:00:00Z'), to = new Date('2049-12-31T23:59:59Z') } = valid;
    const validity = sequence(utcTime(from), utcTime(to));
    const version = tlv(0xa0, tlv(0x02, Buffer.from([2])));
    const serial = tlv(0x02, Buffer.from([1]));
    const publicKey = key.export({ type: 'spki', format: 'der' });
    const content = sequence(
      version,
      serial,
      algorithm,
      name,
      validity,
      subject,
      publicKey,
      tlv(0xa3, sequence(...extensions)),
    );
    const signature = tlv(0x03, Buffer.concat([Buffer.from([0]), sign(digest, content, authority.privateKey)]));
    return pem('CERTIFICATE', sequence(content, algorithm, signature));
  };
  return {
    ca: issue(name, authority.publicKey, [isAuthority]),
    /** Names are given as `{ dns: 'localhost' }` and so on. Valid from 2020 to 2049 unless it is told otherwise. */
    issue(
      commonName: string,
      names: { dns?: string; uri?: string; ip?: readonly number[]; units?: readonly string[] } = {},
      valid: Validity = {},
    ) {
      const { privateKey, publicKey } = generate();
      const alternativeNames = [
        ...(names.dns === undefined ? [] : [tlv(0x82, Buffer.from(names.dns))]),
        ...(names.uri === undefined ? [] : [tlv(0x86, Buffer.from(names.uri))]),
        ...(names.ip === undefined ? [] : [tlv(0x87, Buffer.from(names.ip))]),
      ];
      const extensions = [extension('551d11', sequence(...alternativeNames))];
      return {
        certificate: issue(distinguishedName(commonName, names.units), publicKey, extensions, valid),
        key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      };
    },
  };
}

interface Validity {
  readonly from?: Date;
  readonly to?: Date;
}

const objectId = (hex: string): Buffer => tlv(0x06, Buffer.from(hex, 'hex'));

const signatures = {
  ed25519: {
    algorithm: sequence(objectId('2b6570')),
    digest: null,
    generate: () => generateKeyPairSync('ed25519'),
  },
  ecdsa: {
    algorithm: sequence(objectId('2a8648ce3d040302')),
    digest: 'sha256',
    generate: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  },
} as const;

function distinguishedName(commonName: string, units: readonly string[] = []): Buffer {
  const attribute = (id: string, value: string): Buffer =>
    tlv(0x31, sequence(objectId(id), tlv(0x0c, Buffer.from(value))));
  return sequence(...units.map((unit) => attribute('55040b', unit)), attribute('550403', commonName));
}

/** `YYMMDDhhmmssZ`, in whole seconds. */
function utcTime(date: Date): Buffer {
  return tlv(
    0x17,
    Buffer.from(
      `${date
        .toISOString()
        .replaceAll(/[-:T]|\..*$/g, '')
        .slice(2)}Z`,
    ),
  );
}

function extension(id: string, content: Buffer): Buffer {
  return sequence(objectId(id), tlv(0x04, content));
}

function sequence(...parts: Buffer[]): Buffer {
  return tlv(0x30, Buffer.concat(parts));
}

function tlv(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}
