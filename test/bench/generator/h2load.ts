import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { writeTemporary } from '../../sidecar/processes.ts';
import { percentile } from '../percentile.ts';

export const howToInstall =
  'h2load was not found. It comes with nghttp2: `apt-get install nghttp2-client` on Debian and Ubuntu.';

/** Requests that are all alike, on one connection. */
export interface Load {
  readonly address: string;
  /** `/package.Service/Method`. */
  readonly path: string;
  /** A file that holds what each request sends, gRPC's framing included. */
  readonly bodyFile: string;
  /** How many requests are unanswered at a time. */
  readonly inFlight: number;
}

export interface Answers {
  readonly tookMs: number;
  /** Bytes of all answers without their headers; an answer that is only a status has none. */
  readonly dataBytes: number;
}

export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
}

export function isH2loadInstalled(): boolean {
  return spawnSync('h2load', ['--version']).error === undefined;
}

/** Sends so many requests. @throws Error when one of them gets no answer, or one that is not 200. */
export async function sendRequests(load: Load, requests: number): Promise<Answers> {
  const { stdout } = await promisify(execFile)('h2load', [...flagsOf(load), '-n', `${requests}`, urlOf(load)]);
  return readAnswers(stdout, requests);
}

/** Sends one request after the other, and gives how long they took in milliseconds. @throws Error as `sendRequests`. */
export async function timeRequests(load: Load, requests: number): Promise<Percentiles> {
  const log = writeTemporary('requests.tsv', '');
  const flags = [...flagsOf({ ...load, inFlight: 1 }), '-n', `${requests}`, `--log-file=${log}`];
  const { stdout } = await promisify(execFile)('h2load', [...flags, urlOf(load)]);
  readAnswers(stdout, requests);
  const tookMs = readTimes(readFileSync(log, 'utf8'));
  return { p50: percentile(tookMs, 50), p99: percentile(tookMs, 99) };
}

function flagsOf({ bodyFile, inFlight }: Load): string[] {
  const headers = ['content-type: application/grpc', 'te: trailers'].flatMap((header) => ['-H', header]);
  return ['-c', '1', '-m', `${inFlight}`, '-d', bodyFile, ...headers];
}

function urlOf({ address, path }: Load): string {
  return `http://${address}${path}`;
}

const timeUnits: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1_000 };

/** Reads what h2load prints. @throws Error with all of it when a request failed, or when it reads differently. */
export function readAnswers(output: string, requests: number): Answers {
  const [, took = '', unit = ''] = /^finished in ([\d.]+)(us|ms|s),/m.exec(output) ?? [];
  const [, good] = /^status codes: (\d+) 2xx, 0 3xx, 0 4xx, 0 5xx$/m.exec(output) ?? [];
  const [, succeeded] = /^requests: .* (\d+) succeeded, 0 failed, 0 errored, 0 timeout$/m.exec(output) ?? [];
  const [, dataBytes] = /^traffic: .* \((\d+)\) data$/m.exec(output) ?? [];
  const tookMs = Number(took) * (timeUnits[unit] ?? Number.NaN);
  if (Number(good) !== requests || Number(succeeded) !== requests || dataBytes === undefined || !(tookMs > 0)) {
    throw new Error(`not all ${requests} requests were answered with 200:\n${output}`);
  }
  return { tookMs, dataBytes: Number(dataBytes) };
}

/** Milliseconds of each request in h2load's log: lines of start, status and microseconds. */
export function readTimes(log: string): number[] {
  return log
    .trimEnd()
    .split('\n')
    .map((line) => Number(line.split('\t')[2]) / 1_000);
}
