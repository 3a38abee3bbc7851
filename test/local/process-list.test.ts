import { expect, test } from 'vitest';
import { mergeProcesses, parseLaunchYml, parseProcfile, parseRelease } from '../../src/local/process-list.ts';

const web = { type: 'web', command: 'node app.js', sidecarFor: [], memoryMb: 0 };
const sidecar = { type: 'agent', command: 'agent', sidecarFor: ['web'], memoryMb: 64 };

test('reads a sidecar with its process types and memory', () => {
  const text = `processes:
- type: agent
  command: agent
  limits: { memory: 64 }
  platforms: { cloudfoundry: { sidecar_for: [web] } }
`;
  expect(parseLaunchYml(text, 'launch.yml')).toEqual([sidecar]);
});

test.each([
  ['JSON', '{"processes":[{"type":"web","command":"node app.js"}]}', [web]],
  ['unknown keys', 'extra: 1\nprocesses: [{type: web, command: node app.js, disk: 5}]', [web]],
  ['a second document', 'processes: [{type: web, command: node app.js}]\n---\nprocesses: 5', [web]],
  ['nothing', '', []],
])('accepts %s', (_what, text, expected) => {
  expect(parseLaunchYml(text, 'launch.yml')).toEqual(expected);
});

test.each([
  ['64.7', 64],
  ['0100', 64],
  ['-5', -5],
])('reads limits.memory %s as %d', (memory, expected) => {
  const [entry] = parseLaunchYml(`processes: [{type: a, command: b, limits: {memory: ${memory}}}]`, 'launch.yml');
  expect(entry?.memoryMb).toBe(expected);
});

test.each([
  ['a quoted memory', 'processes: [{type: a, limits: {memory: "64"}}]', 'limits.memory of processes[0] in launch.yml'],
  ['a memory with a unit', 'processes: [{type: a, limits: {memory: 64M}}]', '"64M"'],
  ['a scalar sidecar_for', 'processes: [{type: a, platforms: {cloudfoundry: {sidecar_for: web}}}]', 'sidecar_for'],
  ['processes that are no list', 'processes: web', 'processes in launch.yml is "web"'],
  ['what is not YAML', 'processes: [', 'launch.yml is not YAML'],
])('refuses %s', (_what, text, named) => {
  expect(() => parseLaunchYml(text, 'launch.yml')).toThrow(named);
});

test('a later entry of the same type replaces the whole entry in its place', () => {
  const later = { ...web, command: 'other' };
  expect(mergeProcesses([web, sidecar], [later])).toEqual([later, sidecar]);
});

test('a Procfile line named like a sidecar erases the sidecar', () => {
  const merged = mergeProcesses([sidecar], parseProcfile('agent: echo'));
  expect(merged).toEqual([{ type: 'agent', command: 'echo', sidecarFor: [], memoryMb: 0 }]);
});

test('two entries of one type in one file are both kept', () => {
  expect(mergeProcesses([], [web, web])).toHaveLength(2);
});

test('release names its process types under default_process_types', () => {
  expect(parseRelease('default_process_types:\n  web: node app.js\n')).toEqual([web]);
});
