import type { PeerCertificate } from 'node:tls';
import type { ServerDuplexStream, ServerUnaryCall } from '@grpc/grpc-js';
import type { Peer } from '../rpc.ts';

/** The caller's address, and the name that its client certificate proves. */
export function peerOf(call: ServerUnaryCall<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>): Peer {
  const certificate = call.getAuthContext().sslPeerCertificate;
  return { address: bracketed(call.getPeer()), principal: certificate && principalOf(certificate) };
}

/**
 * The name in a certificate: its first URI, as workload identities have one, else its common name, else its first DNS name.
 * The alternative names come from Node as `DNS:a, URI:b`, where a value with a separator in it is a quoted JSON string.
 */
export function principalOf(certificate: Pick<PeerCertificate, 'subject' | 'subjectaltname'>): string | undefined {
  const names = alternativeNames(certificate.subjectaltname ?? '');
  const commonName = [certificate.subject.CN].flat()[0];
  return (
    names.find((name) => name.kind === 'URI')?.value ?? commonName ?? names.find((name) => name.kind === 'DNS')?.value
  );
}

function alternativeNames(text: string): { kind: string; value: string }[] {
  const pattern = /([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/y;
  const names: { kind: string; value: string }[] = [];
  for (let match = pattern.exec(text); match; match = pattern.exec(text)) {
    const [, kind = '', value = ''] = match;
    names.push({ kind, value: value.startsWith('"') ? String(JSON.parse(value)) : value });
    if (pattern.lastIndex >= text.length) break;
  }
  return names;
}

/** grpc-js gives an IPv6 address without the brackets that tell it from the port. */
function bracketed(address: string): string {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon);
  return host.includes(':') && !host.startsWith('[') ? `[${host}]${address.slice(colon)}` : address;
}
