// Lint rules: strict types everywhere, clock and chance only where they are made (see
// docs/ARCHITECTURE.md). What lint cannot see is in cluster-test/tidy.test.ts.
const tseslint = require('typescript-eslint');

const restrictedGlobals = [
  'Date',
  'performance',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'process',
].map((name) => ({ name, message: 'Inject it: Clock, Random, Logger of base/ (floors 0 to 8).' }));

module.exports = tseslint.config(
  { ignores: ['dist/', 'node_modules/', '.tap/', 'eslint.config.js', 'tools/*.mjs'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: __dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false },
      ],
      '@typescript-eslint/return-await': ['error', 'in-try-catch'],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      // A bounds check that noUncheckedIndexedAccess cannot see is written `as T` (style: types).
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: true },
      ],
      'max-lines': ['error', { max: 400, skipBlankLines: false, skipComments: false }],
      'max-lines-per-function': ['error', { max: 70 }],
      'no-restricted-globals': ['error', ...restrictedGlobals],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'Inject a Random (base/random.ts).' },
      ],
    },
  },
  {
    files: [
      'base/node/**',
      'bin/**',
      'bench/**',
      'cluster-test/**',
      'testing/**',
      'tools/**',
      '**/*.test.ts',
    ],
    rules: { 'no-restricted-globals': 'off' },
  },
  {
    files: ['**/*.test.ts', '**/conformance.ts', '**/conformance/**', '**/*-conformance.ts'],
    rules: {
      'max-lines-per-function': 'off',
      '@typescript-eslint/no-floating-promises': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
);
