import js from '@eslint/js';
import a11y from 'eslint-plugin-jsx-a11y';
import react from 'eslint-plugin-react';
import hooks from 'eslint-plugin-react-hooks';
import typescript from 'typescript-eslint';

export default typescript.config(
  { ignores: ['src/api/schema.ts'] },
  js.configs.recommended,
  ...typescript.configs.strictTypeChecked,
  react.configs.flat.recommended,
  react.configs.flat['jsx-runtime'],
  hooks.configs['recommended-latest'],
  a11y.flatConfigs.strict,
  {
    languageOptions: { parserOptions: { projectService: true } },
    settings: { react: { version: '18.3' } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      'react/prop-types': 'off'
    }
  },
  {
    files: ['tests/**'],
    rules: {
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [
            { from: 'package', name: 'test', package: 'node:test' }
          ]
        }
      ]
    }
  }
);
