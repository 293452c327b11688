// The part of swagger-ui-dist that the API page uses; the package brings no types.
declare module "swagger-ui-dist/swagger-ui-es-bundle.js" {
  interface Options {
    domNode: HTMLElement;
    url: string;
    presets: unknown[];
    layout: string;
    deepLinking: boolean;
    docExpansion: "list" | "full" | "none";
    defaultModelsExpandDepth: number;
    validatorUrl: null;
  }
  const SwaggerUIBundle: { (options: Options): unknown; presets: { apis: unknown } };
  export default SwaggerUIBundle;
}
