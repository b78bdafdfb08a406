import { defineConfig } from 'vitest/config';

const oxc = { decorator: { legacy: true, emitDecoratorMetadata: true } };

/** Tests of one process run beside each other; tests with processes of their own one after the other; of those
 * that cut networks four at a time, because they mostly wait. */
export default defineConfig({
  test: {
    projects: [
      {
        oxc,
        test: {
          name: 'unit',
          include: ['test/{unit,simulation,behaviour,fuzz}/**/*.spec.ts'],
          setupFiles: ['reflect-metadata'],
          testTimeout: 30_000,
        },
      },
      {
        oxc,
        test: {
          name: 'processes',
          include: ['test/{e2e,package}/**/*.spec.ts'],
          setupFiles: ['reflect-metadata'],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
      {
        oxc,
        test: {
          name: 'network',
          include: ['test/network/**/*.spec.ts'],
          setupFiles: ['reflect-metadata'],
          maxConcurrency: 4,
        },
      },
    ],
  },
});
