import { defineConfig, type Plugin } from "vite";

// htmx runs without eval here (its setting, and the security policy). Taking the call out of the bundle keeps
// that promise even if a setting slips, and lets the rest of htmx be minified whole.
function withoutEval(): Plugin {
  const call = "return eval(str)";
  return {
    name: "htmx-without-eval",
    transform(code, id) {
      if (!id.includes("/htmx.org/")) return null;
      if (!code.includes(call)) throw new Error(`htmx no longer contains "${call}": look for its eval again`);
      return { code: code.replace(call, 'throw new Error("no eval: " + str)'), map: null };
    },
  };
}

// The pages are Jinja templates of the gateway: Vite builds only scripts, styles and fonts, and the
// manifest from which the gateway learns their hashed names.
export default defineConfig({
  base: "/static/dist/",
  plugins: [withoutEval()],
  build: {
    outDir: "../static/dist",
    emptyOutDir: true,
    manifest: true,
    // The security policy allows fonts and scripts from our own address only, so nothing as data: URLs.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // Only the API page is larger, and it is loaded there alone.
    chunkSizeWarningLimit: 1800,
    reportCompressedSize: false,
    rollupOptions: {
      input: { main: "src/main.ts", apidocs: "src/apidocs.ts" },
    },
  },
});
