import htmx from "htmx.org";

// Set before htmx starts (it waits for the document), so that nothing of it meets the security policy.
Object.assign(htmx.config, {
  allowEval: false,
  allowScriptTags: false,
  includeIndicatorStyles: false,
  selfRequestsOnly: true,
  // Pages hold personal data: none of them goes into the browser's storage.
  historyCacheSize: 0,
  timeout: 15_000,
  responseHandling: [
    { code: "204", swap: false },
    { code: "[23]..", swap: true },
    // Forms that come back with their faults.
    { code: "409|422", swap: true },
    { code: "[45]..", swap: false, error: true },
  ],
});
