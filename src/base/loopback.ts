/** Whether a host, an address or `localhost`, is this machine's loopback: https://www.rfc-editor.org/rfc/rfc6890#section-2.2 */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || /^(?:::1|\[::1\]|127(?:\.\d{1,3}){3})$/.test(host);
}

/** The same for `host:port`. */
export function isLoopbackAddress(address: string): boolean {
  return isLoopback(address.slice(0, address.lastIndexOf(':')));
}
