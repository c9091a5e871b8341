import js from "@eslint/js";
import globals from "globals";

export default [
  { ignores: ["build/", "dist/", "node_modules/", ".venv/"] },
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  js.configs.recommended,
  {
    rules: {
      curly: ["error", "multi-line"],
      eqeqeq: "error",
      "max-len": ["error", { code: 120, ignoreRegExpLiterals: true }],
      "no-var": "error",
      "object-shorthand": "error",
    },
  },
  {
    files: ["browser-image/skyvern_runner/js/**/*.js"],
    languageOptions: { sourceType: "script", globals: globals.browser },
    rules: {
      // page_script.py joins these files into one function. The compiler knows which names one takes from another.
      "no-redeclare": ["error", { builtinGlobals: false }],
      "no-undef": "off",
      "no-unused-vars": ["error", { vars: "local" }],
    },
  },
  {
    files: ["tests/site/static/*.js"],
    languageOptions: { sourceType: "script", globals: globals.browser },
    rules: { "prefer-const": "error" },
  },
];
