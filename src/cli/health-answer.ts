import { get } from 'node:http';

/** The answer of the health server; no state: no answer. */
export interface HealthAnswer {
  readonly isHealthy: boolean;
  readonly state?: string;
}

const answerTimeoutMs = 3_000;

/** Asks the health server at `host:port`. It never rejects. */
export function askHealth(address: string): Promise<HealthAnswer> {
  return new Promise((resolve) => {
    const nobody: HealthAnswer = { isHealthy: false };
    const request = get(`http://${address}/healthz`, { agent: false, timeout: answerTimeoutMs }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      response.on('end', () => resolve({ isHealthy: response.statusCode === 200, state: body.trim() }));
      response.on('error', () => resolve(nobody));
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(nobody));
  });
}
