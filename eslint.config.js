import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['**/dist/**', '**/node_modules/**', '**/coverage/**', 'eslint.config.js'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true, allowNullish: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/prefer-promise-reject-errors': 'off', // an abort rejects with the signal's own reason
      '@typescript-eslint/only-throw-error': 'off', // same
      '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: true }],
      '@typescript-eslint/unified-signatures': 'off', // one overload per way to call reads better
    },
  },
  // Imports point one way (docs/architecture.md): core → client; inside client send → pool → interfaces.
  restrict('packages/client/src/**', ['@hotaru/core', '@hotaru/core/*'], 'client knows nothing of core'),
  restrict(
    'packages/client/src/pool/**',
    ['../connection/*', '../connection/**', '../message/**', '../send/**', '../connection-pool.js', 'node:net', 'node:tls', 'node:http', 'net', 'tls', 'http'],
    'pool/ knows no sockets and no HTTP',
  ),
  restrict('packages/client/src/connection/**', ['**/send/**', '**/connection-pool.js'], 'connection/ implements what pool/ declares'),
  restrict('packages/client/src/message/**', ['**/send/**', '**/pool/**', '**/connection-pool.js'], 'message/ is data'),
  {
    files: ['**/*.test.ts', '**/test/**/*.ts', 'tests/**/*.ts'],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-empty-function': 'off',
      '@typescript-eslint/require-await': 'off',
    },
  },
);

function restrict(files, group, message) {
  return {
    files: [files],
    ignores: ['**/*.test.ts'],
    rules: { 'no-restricted-imports': ['error', { patterns: [{ group, message }] }] },
  };
}
