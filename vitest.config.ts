import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // What a test, its hooks and the end of a run take is nobody's claim: they start and end processes, containers and engines
    // on a machine that may be busy. These only end what hangs.
    testTimeout: 480_000,
    expect: { poll: { timeout: 15_000 } },
    hookTimeout: 600_000,
    teardownTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'main',
          // Most of its time is waiting for processes and timers, so one worker for each core leaves the cores idle.
          maxWorkers: 3,
          include: ['test/**/*.test.ts'],
          exclude: [
            'test/chaos/**',
            'test/cluster/**',
            'test/console/**',
            'test/compose/{engine,fake-engine,provider}/**',
            'test/fuzz/**',
            'test/hostile/**',
            'test/interop/**',
            'test/kubernetes/engine/**',
            'test/lifecycle/**',
            'test/libbuildpack/**',
            'test/memory/**',
            'test/observability/**',
            'test/python/**',
          ],
        },
      },
      // Kills processes for minutes under load, so it runs by its own command.
      { extends: true, test: { name: 'chaos', include: ['test/chaos/**/*.test.ts'] } },
      // Builds nats-server from its Go module first, so it runs by its own command.
      {
        extends: true,
        test: {
          name: 'cluster',
          include: ['test/cluster/**/*.test.ts'],
          globalSetup: 'test/cluster/world.ts',
          maxWorkers: 2,
        },
      },
      // Builds Cloud Foundry's own code from Go modules and starts a Docker Engine, so it runs by its own command. One worker
      // runs all files, so that they share what was staged.
      {
        extends: true,
        test: {
          name: 'lifecycle',
          include: ['test/{lifecycle,libbuildpack}/**/*.test.ts'],
          globalSetup: 'test/lifecycle/world.ts',
          setupFiles: 'test/lifecycle/record-proof.ts',
          maxWorkers: 1,
          isolate: false,
        },
      },
      // Fetches and builds Docker Compose and starts a Docker Engine first, so it runs by its own command.
      {
        extends: true,
        test: {
          name: 'compose',
          include: ['test/compose/{engine,fake-engine,provider}/**/*.test.ts', 'test/kubernetes/engine/**/*.test.ts'],
          globalSetup: 'test/compose/engine/global-setup.ts',
        },
      },
      // Installs Chromium first, so it runs by its own command.
      {
        extends: true,
        test: { name: 'console', include: ['test/console/**/*.test.ts'], globalSetup: 'test/console/chromium.ts' },
      },
      // Tries hundreds of thousands of inputs, so it runs by its own command.
      { extends: true, test: { name: 'fuzz', include: ['test/fuzz/**/*.test.ts'] } },
      // Make control groups, which takes root, so they run by their own commands.
      { extends: true, test: { name: 'memory', include: ['test/memory/**/*.test.ts'] } },
      { extends: true, test: { name: 'hostile', include: ['test/hostile/**/*.test.ts'] } },
      // Builds clients and servers in Go, Java and Python first, so it runs by its own command.
      {
        extends: true,
        test: {
          name: 'interop',
          include: ['test/interop/**/*.test.ts'],
          globalSetup: 'test/interop/world.ts',
          testTimeout: 120_000,
        },
      },
      // Installs Prometheus first, so it runs by its own command.
      {
        extends: true,
        test: {
          name: 'observability',
          include: ['test/observability/**/*.test.ts'],
          globalSetup: 'test/observability/world.ts',
        },
      },
      // Installs grpcio into a virtual environment first, so it runs by its own command.
      {
        extends: true,
        test: {
          name: 'python',
          include: ['test/python/**/*.test.ts'],
          globalSetup: 'test/python/virtual-environment.ts',
        },
      },
    ],
  },
});
