import { version } from '../../base/version.ts';
import { pluginFiles, pythonProgram, pythonTest } from './plugin-program.ts';

export interface Project {
  /** In lower case. */
  readonly name: string;
  readonly language: Language;
}

export type Language = 'javascript' | 'typescript' | 'python';

interface LanguageKind {
  /** The texts by the names of their files. */
  readonly files: (project: Project) => Readonly<Record<string, string>>;
  /** The folders that are copied from the clone. */
  readonly copied: readonly { readonly from: string; readonly to: string }[];
  readonly command: string;
  readonly buildpack: string;
  readonly install: string;
  readonly dev: string;
  /** Runs the plugin's own tests. */
  readonly test: string;
  readonly conformance: string;
  readonly image: readonly string[];
}

const grants = "--grant 'publish:demo.*' --grant 'subscribe:demo.*'";
const run = (command: string): string => `meridian-sidecar run --dev-bus --watch -- ${command}`;
const conformance = (command: string): string => `meridian-sidecar conformance ${grants} -- ${command}`;

const client = { from: 'dist/meridian-plugin', to: 'vendor/meridian-plugin' };
const wheel = { from: 'dist/python', to: 'vendor' };

export const languages: Readonly<Record<Language, LanguageKind>> = {
  javascript: nodeKind('node plugin.js', (project) => ({
    'package.json': packageJson(project, 'plugin.js', {}),
    ...pluginFiles('javascript'),
  })),
  typescript: nodeKind('node plugin.ts', (project) => ({
    'package.json': packageJson(project, 'plugin.ts', { '@types/node': '24.13.6', typescript: '5.9.3' }),
    ...pluginFiles('typescript'),
    'tsconfig.json': tsconfig,
  })),
  python: {
    files: () => ({
      'plugin.py': pythonProgram,
      'test_plugin.py': pythonTest,
      'requirements.txt': `./vendor/meridian_plugin-${version}-py3-none-any.whl\n`,
      'requirements-dev.txt': '-r requirements.txt\npytest==9.0.3\n',
      'runtime.txt': 'python-3.12.x\n',
      '.gitignore': '.venv/\n.pytest_cache/\n__pycache__/\n*.sqlite*\n',
    }),
    copied: [wheel],
    command: 'python plugin.py',
    buildpack: 'python_buildpack',
    install: 'python3 -m venv .venv && .venv/bin/pip install -r requirements-dev.txt',
    dev: run('.venv/bin/python plugin.py'),
    test: '.venv/bin/pytest',
    conformance: conformance('.venv/bin/python plugin.py'),
    image: [
      'FROM python:3.12-slim',
      'WORKDIR /app',
      'COPY requirements.txt .',
      'COPY vendor vendor',
      'RUN pip install --no-cache-dir -r requirements.txt',
      'COPY . .',
      'USER nobody',
      'CMD ["python", "plugin.py"]',
    ],
  },
};

function nodeKind(command: string, files: (project: Project) => Readonly<Record<string, string>>): LanguageKind {
  return {
    files: (project) => ({ ...files(project), '.gitignore': 'node_modules/\n*.sqlite*\n' }),
    copied: [client],
    command,
    buildpack: 'nodejs_buildpack',
    install: 'npm install',
    dev: 'npm run dev',
    test: 'npm test',
    conformance: 'npm run conformance',
    image: [
      'FROM node:24-slim',
      'WORKDIR /app',
      'COPY . .',
      'RUN npm install --omit=dev',
      'USER node',
      `CMD ${JSON.stringify(command.split(' '))}`,
    ],
  };
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

function packageJson({ name }: Project, program: string, devDependencies: Readonly<Record<string, string>>): string {
  const command = `node ${program}`;
  const isTyped = Object.keys(devDependencies).length > 0;
  return json({
    name,
    version: '0.1.0',
    private: true,
    type: 'module',
    // Since 22.18 Node runs TypeScript: https://nodejs.org/api/typescript.html#type-stripping
    engines: { node: isTyped ? '>=22.18' : '>=22.3' },
    scripts: {
      start: command,
      dev: run(command),
      test: 'node --test',
      conformance: conformance(command),
      ...(isTyped && { check: 'tsc' }),
    },
    dependencies: { 'meridian-plugin': 'file:vendor/meridian-plugin' },
    ...(isTyped && { devDependencies }),
  });
}

const tsconfig = json({
  compilerOptions: {
    target: 'es2024',
    module: 'nodenext',
    types: ['node'],
    strict: true,
    noEmit: true,
    erasableSyntaxOnly: true,
    allowImportingTsExtensions: true,
  },
  include: ['*.ts'],
});

/** What `cf push` needs. */
export function cloudFoundryFiles({ name, language }: Project): Record<string, string> {
  const { command, buildpack } = languages[language];
  const manifest = `applications:
  - name: ${name}
    buildpacks: [meridian-sidecar, ${buildpack}]
    # The sidecar's 128 MB are a part of this.
    memory: 384M
    # The plugin serves no HTTP.
    health-check-type: process
    env:
      POOL_TYPE: SignalPool
      REQUESTED_GRANTS: '[{"topic": "demo.*", "action": "publish"}, {"topic": "demo.*", "action": "subscribe"}]'
      SIDECAR_BUS_API_URL: https://bus.example:8443
`;
  return { 'manifest.yml': manifest, Procfile: `web: ${command}\n` };
}

/** What Docker Compose needs, with the provider of this version. */
export function composeFiles({ name, language }: Project): Record<string, string> {
  const compose = `# Needs \`meridian-sidecar compose install\` once, of version ${version} or newer.
services:
  sidecar:
    provider:
      type: meridian-sidecar
      options: {pool-type: SignalPool, bus: embedded}
    networks: [default]
  ${name}:
    build: .
    network_mode: "container:\${COMPOSE_PROJECT_NAME}-sidecar-1"
    depends_on: [sidecar]
    restart: unless-stopped
networks: {default: {}}
`;
  return {
    'compose.yaml': compose,
    Dockerfile: `${languages[language].image.join('\n')}\n`,
    '.dockerignore': 'node_modules\n.venv\n',
  };
}
