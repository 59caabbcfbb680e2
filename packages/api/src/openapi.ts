import { z } from 'zod';
import type { BytesBody, Endpoint } from './endpoints/endpoint.ts';
import { endpoints } from './endpoints/index.ts';
import { errorBody } from './shapes/error.ts';

type JsonObject = Record<string, unknown>;

/** An OpenAPI 3.1 document, as far as this API uses it. */
export interface OpenApiDocument {
  readonly openapi: '3.1.0';
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, JsonObject>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, JsonObject>> };
}

/**
 * Describes the Web API as an OpenAPI 3.1 document, from the same endpoints that validate requests.
 * @param version of this implementation
 */
export function openApi(version: string): OpenApiDocument {
  const schemas = new Map<string, JsonObject>();
  const paths: Record<string, Record<string, JsonObject>> = {};
  for (const endpoint of Object.values<Endpoint>(endpoints)) {
    const path = endpoint.path.replaceAll(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [endpoint.method.toLowerCase()]: operation(endpoint, schemas) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Knitfab Web API',
      version,
      description:
        'Every path answers with and without a trailing "/". Times are RFC 3339. Unknown fields and query parameters are ignored.',
    },
    paths,
    components: { schemas: Object.fromEntries([...schemas].sort(([a], [b]) => (a < b ? -1 : 1))) },
  };
}

function operation(endpoint: Endpoint, schemas: Map<string, JsonObject>): JsonObject {
  const parameters = [
    ...parametersOf(endpoint.params, 'path', schemas),
    ...parametersOf(endpoint.query, 'query', schemas),
  ];
  const body = requestBody(endpoint, schemas);
  return {
    operationId: endpoint.operationId,
    tags: [endpoint.tag],
    summary: endpoint.summary,
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: body }),
    responses: {
      [endpoint.response.status]: success(endpoint, schemas),
      ...Object.fromEntries(
        [...endpoint.errors, 500, 503].map((status) => [status, failure(status, schemas)]),
      ),
    },
  };
}

function parametersOf(schema: z.ZodType, place: 'path' | 'query', schemas: Map<string, JsonObject>) {
  const { properties = {} } = schemaOf(schema, 'input', schemas) as {
    properties?: Record<string, JsonObject>;
  };
  return Object.entries(properties).map(([name, property]) => {
    // How a query parser hands a parameter over (text or a list of text) is no business of the reader's.
    const { anyOf, $ref, description, explode, ...described } = property;
    return {
      name,
      in: place,
      required: place === 'path',
      ...(description !== undefined && { description }),
      ...(explode !== undefined && { explode }),
      schema: $ref === undefined ? { type: 'string', ...described } : { $ref },
    };
  });
}

function requestBody(endpoint: Endpoint, schemas: Map<string, JsonObject>): JsonObject | undefined {
  if (endpoint.bytes) return bytes(endpoint.bytes);
  if (!endpoint.body) return undefined;
  return {
    required: true,
    content: { 'application/json': { schema: schemaOf(endpoint.body, 'input', schemas) } },
  };
}

const bytes = ({ contentTypes, description }: BytesBody): JsonObject => ({
  required: true,
  description,
  content: Object.fromEntries(contentTypes.map((type) => [type, {}])),
});

function success({ response }: Endpoint, schemas: Map<string, JsonObject>): JsonObject {
  const { schema, contentTypes, description } = response;
  const content = schema === undefined ? {} : { schema: schemaOf(schema, 'output', schemas) };
  return {
    description,
    ...(contentTypes.length > 0 && {
      content: Object.fromEntries(contentTypes.map((type) => [type, content])),
    }),
  };
}

const meanings: Record<number, string> = {
  400: 'The input is malformed',
  404: 'There is no such thing',
  409: 'The present state does not allow this',
  500: 'A defect of the server',
  503: 'Not now; try again later',
};

const failure = (status: number, schemas: Map<string, JsonObject>): JsonObject => ({
  description: meanings[status] ?? 'Error',
  content: { 'application/json': { schema: schemaOf(errorBody, 'output', schemas) } },
});

/** The schema of a value on the wire, by reference where it has a name; what it refers to goes to `schemas`. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output', schemas: Map<string, JsonObject>): JsonObject {
  const { $schema, $defs, ...described } = z.toJSONSchema(schema, {
    io,
    target: 'draft-2020-12',
    override: ({ jsonSchema }) => {
      // Answers may get more fields in later versions.
      if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
    },
  });
  const definitions = pointingToComponents($defs ?? {}) as Record<string, JsonObject>;
  for (const [name, definition] of Object.entries(definitions)) {
    const { id, ...rest } = definition;
    schemas.set(name, rest);
  }
  return pointingToComponents(described) as JsonObject;
}

const pointingToComponents = (schema: unknown): unknown =>
  JSON.parse(JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/'));
