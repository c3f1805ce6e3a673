import tseslint from 'typescript-eslint';
import { directions, NOT_IN_WIRE } from './eslint.directions.js';

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
  // Imports point one way: see the table.
  {
    files: ['packages/*/src/**/*.ts'],
    ignores: ['**/*.test.ts'],
    plugins: { hotaru: directions },
    rules: { 'hotaru/directions': 'error' },
  },
  // The same of what needs no import.
  {
    files: ['packages/wire/src/**/*.ts'],
    ignores: ['**/*.test.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        ...NOT_IN_WIRE.map((name) => ({ name, message: 'wire has no clock and no I/O.' })),
      ],
    },
  },
  // Each package has one table of figures (docs/architecture.md): a stray one is found by no review.
  {
    files: ['packages/*/src/**/*.ts'],
    ignores: [
      '**/*.test.ts',
      '**/constants.ts',
      'packages/client/src/config/defaults.ts', // settings: the defaults of what a user can set
      'packages/core/src/http/request/safety.ts', // the same
      'packages/core/src/app-options.ts', // the same
    ],
    rules: { 'no-restricted-syntax': ['error', ...strayFigures()] },
  },
  // Plain programs that run as they are: no types to check them by.
  {
    files: ['**/*.mjs', 'eslint.directions.js'],
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

/**
 * A figure is a number in decimal that a `const` of the module is set to, a default of a parameter, or any
 * number of four digits and more. What is no figure of the design, but a fact: hexadecimal numbers (character
 * codes, bits), 0 and 1, and those listed here.
 */
function strayFigures() {
  const names = [
    'REASON_START', // where the reason phrase starts: the length of `HTTP/1.1 200 `
    'NO_DIGIT', // in a table of bytes: no value of a digit
    'CHUNKED', // in place of a length: no length at all
    'CLIENT_LEFT_STATUS', // nginx's status
    'UNIT_BYTES', // bytes in a KiB, a MiB, a GiB
    'UNIT_MS', // milliseconds in a second, a minute, an hour
  ].join('|');
  const numbers = [
    '1_000', // milliseconds in a second
    '65_535', // the last port
    '443', // the port of https
    '200', // the usual status
    '302', // the usual status of a redirect
  ].join('|');
  const figure = `Literal[raw=/^[\\d._]+$/]:not([raw=/^(0|1|${numbers})$/])`;
  const message =
    'A figure of the design: it belongs in constants.ts of its package, with its reason.';
  return [
    `:matches(Program, ExportNamedDeclaration) > VariableDeclaration > VariableDeclarator:not([id.name=/^(${names})$/]) :matches(VariableDeclarator, BinaryExpression, UnaryExpression) > ${figure}`,
    `:matches(Program, ExportNamedDeclaration) > VariableDeclaration > VariableDeclarator:not([id.name=/^(${names})$/]) > ${figure}`,
    `AssignmentPattern > ${figure}`,
    `PropertyDefinition[static=true] > ${figure}`,
    `:not(VariableDeclarator[id.name=/^(${names})$/] Literal):not(AssignmentPattern > Literal)${figure}[raw=/^(\\d_?){4,}$/]`,
  ].map((selector) => ({ selector, message }));
}
