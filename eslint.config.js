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
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: true },
      ],
      '@typescript-eslint/unified-signatures': 'off', // one overload per way to call reads better
    },
  },
  // Imports point one way (docs/architecture.md): core → client; inside client send → pool → interfaces.
  oneWay('packages/client/src/**', []),
  oneWay('packages/client/src/pool/**', [
    ban('pool/ knows no sockets and no HTTP', [
      '**/connection/**',
      '**/message/**',
      '**/send/**',
      '**/connection-pool.js',
      'node:net',
      'node:tls',
      'node:http',
      'node:https',
    ]),
  ]),
  oneWay('packages/client/src/connection/**', [
    ban('connection/ implements what pool/ declares', ['**/send/**', '**/connection-pool.js']),
  ]),
  oneWay('packages/client/src/message/**', [
    ban('message/ is data', [
      '**/send/**',
      '**/pool/**',
      '**/connection/**',
      '**/connection-pool.js',
    ]),
  ]),
  // Plain programs that run as they are: no types to check them by.
  {
    files: ['**/*.mjs'],
    ...tseslint.configs.disableTypeChecked,
    languageOptions: { parserOptions: { project: false, program: null } },
  },
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

/** One of the rules for a folder; a later rule for the same file replaces an earlier one, so each has them all. */
function oneWay(files, patterns) {
  const noFramework = ban('client knows nothing of core', [
    '@hotaru/core',
    '@hotaru/core/*',
    '**/core/**',
  ]);
  return {
    files: [files],
    ignores: ['**/*.test.ts'],
    rules: { 'no-restricted-imports': ['error', { patterns: [noFramework, ...patterns] }] },
  };
}

function ban(message, group) {
  return { group, message };
}
