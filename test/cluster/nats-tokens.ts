import { nkeys } from '@nats-io/transport-node';

type KeyPair = ReturnType<typeof nkeys.createUser>;

/** A server's configuration with an operator and one account, and the credentials file of a user of that account. */
export function operatorMode(): { readonly configuration: readonly string[]; readonly credentials: string } {
  const [operator, account, user] = [nkeys.createOperator(), nkeys.createAccount(), nkeys.createUser()];
  // JetStream needs one for its own subscriptions.
  const system = nkeys.createAccount();
  const unlimited = ['subs', 'data', 'payload', 'imports', 'exports', 'conn', 'leaf'];
  const jetStream = ['mem_storage', 'disk_storage', 'streams', 'consumer'];
  const limits = Object.fromEntries([...unlimited, ...jetStream].map((name) => [name, -1]));
  const accountToken = token(operator, account, 'account', { limits: { ...limits, wildcards: true } });
  const systemToken = token(operator, system, 'account', {
    limits: { ...Object.fromEntries(unlimited.map((name) => [name, -1])), wildcards: true },
  });
  const userToken = token(account, user, 'user', { pub: {}, sub: {}, subs: -1, data: -1, payload: -1 });
  const seed = Buffer.from(user.getSeed()).toString();
  const block = (name: string, text: string): string => `-----BEGIN ${name}-----\n${text}\n------END ${name}------\n`;
  return {
    configuration: [
      `operator: ${token(operator, operator, 'operator', {})}`,
      'resolver: MEMORY',
      `system_account: ${system.getPublicKey()}`,
      `resolver_preload: { ${account.getPublicKey()}: ${accountToken}, ${system.getPublicKey()}: ${systemToken} }`,
    ],
    credentials: `${block('NATS USER JWT', userToken)}\n${block('USER NKEY SEED', seed)}`,
  };
}

/** A token as NATS reads it: https://docs.nats.io/running-a-nats-service/configuration/securing_nats/auth_intro/jwt. */
function token(issuer: KeyPair, subject: KeyPair, type: string, claims: object): string {
  const part = (content: object): string => Buffer.from(JSON.stringify(content)).toString('base64url');
  const [iss, sub] = [issuer.getPublicKey(), subject.getPublicKey()];
  const issuedAt = Math.floor(Date.now() / 1_000);
  const body = { jti: `${type}-${sub}`, iat: issuedAt, iss, sub, name: type, nats: { ...claims, type, version: 2 } };
  const text = `${part({ typ: 'JWT', alg: 'ed25519-nkey' })}.${part(body)}`;
  return `${text}.${Buffer.from(issuer.sign(Buffer.from(text))).toString('base64url')}`;
}
