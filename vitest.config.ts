import { defineConfig } from 'vitest/config';

export default defineConfig({
  // vite takes decorator flags from the tsconfig that includes the file; tests need them said here too.
  oxc: { decorator: { legacy: true, emitDecoratorMetadata: true } },
  // One copy of every singleton: tests load the workspace packages from source, never from dist.
  ssr: { resolve: { conditions: ['@hotaru/source', 'module', 'node', 'development|production'] } },
  test: {
    include: [
      'packages/*/src/**/*.test.ts',
      'packages/*/test/**/*.test.ts',
      'apps/*/test/**/*.test.ts',
      'examples/*/test/**/*.test.ts',
      'benchmarks/src/**/*.test.ts',
      'benchmarks/test/**/*.test.ts',
      'tests/**/*.test.ts',
    ],
    setupFiles: ['reflect-metadata'],
    testTimeout: 20_000,
    // All cores: the default leaves one idle, half of a small machine.
    maxWorkers: '100%',
    // Expose gc so that leak promises can be checked.
    execArgv: ['--expose-gc'],
  },
});
