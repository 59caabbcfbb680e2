import type { OperationId } from '../endpoints/routes.ts';

/** As much of an OpenAPI document as is looked at. */
interface OpenApiDocument {
  readonly paths?: Readonly<Record<string, Readonly<Record<string, OpenApiOperation | undefined>>>>;
}

interface OpenApiOperation {
  readonly operationId?: unknown;
  readonly parameters?: readonly { readonly name?: unknown }[];
}

/** Whether a server says of itself, in its OpenAPI document, that an operation takes a parameter. */
export function knowsParameter(document: unknown, operation: OperationId, parameter: string): boolean {
  const operations = Object.values((document as OpenApiDocument).paths ?? {}).flatMap(Object.values);
  return operations.some(
    (each: OpenApiOperation | null) =>
      each?.operationId === operation && each.parameters?.some(({ name }) => name === parameter),
  );
}
