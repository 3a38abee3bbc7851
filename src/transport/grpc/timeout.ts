/** Milliseconds of each unit: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#requests */
const msOf: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };

/** The most that eight digits of milliseconds can say; more is told in seconds. */
const digitsMax = 99_999_999;

/** The value of `grpc-timeout`. */
export function formatTimeout(timeoutMs: number): string {
  const ms = Math.max(1, Math.ceil(timeoutMs));
  return ms <= digitsMax ? `${ms}m` : `${Math.min(digitsMax, Math.ceil(ms / 1_000))}S`;
}

/** Milliseconds, or undefined if the text is not one to eight digits and a unit. */
export function parseTimeout(text: string): number | undefined {
  const digits = text.length - 1;
  const ms = msOf[text.charAt(digits)];
  if (ms === undefined || digits < 1 || digits > 8) return undefined;
  let value = 0;
  for (let at = 0; at < digits; at += 1) {
    const digit = text.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  return value * ms;
}
