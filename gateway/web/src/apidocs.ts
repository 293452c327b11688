import "swagger-ui-dist/swagger-ui.css";
import "./styles/apidocs.css";
import SwaggerUIBundle from "swagger-ui-dist/swagger-ui-es-bundle.js";

const place = document.getElementById("api-docs");
if (place) {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
  dark.addEventListener("change", follow);
  follow();
  SwaggerUIBundle({
    domNode: place,
    url: place.dataset["openapi"] ?? "/api/v1/openapi.json",
    presets: [SwaggerUIBundle.presets.apis],
    layout: "BaseLayout",
    deepLinking: true,
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    // No address of a stranger's validator.
    validatorUrl: null,
  });
}
