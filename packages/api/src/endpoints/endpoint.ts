import { z } from 'zod';

/** What a successful answer holds: JSON of a shape, bytes, or nothing. */
export interface EndpointResponse<Shape extends z.ZodType> {
  readonly status: 200 | 204;
  /** Media types, the preferred one first; none for 204. */
  readonly contentTypes: readonly string[];
  /** The shape of a JSON answer; bytes have none. */
  readonly schema?: Shape;
  /** Trailers that follow the body. */
  readonly trailers?: readonly string[];
  readonly description: string;
}

/** A body of bytes in place of JSON. */
export interface BytesBody {
  readonly contentTypes: readonly string[];
  readonly description: string;
}

/** One row of the resource table on spec page 2: all that server, client and OpenAPI document need to know of it. */
export interface Endpoint<
  Params extends z.ZodType = z.ZodType,
  Query extends z.ZodType = z.ZodType,
  Body extends z.ZodType = z.ZodType,
  Shape extends z.ZodType = z.ZodType,
> {
  readonly operationId: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** With `:name` for a parameter, and without the trailing `/` (both spellings are served). */
  readonly path: string;
  readonly tag: 'Data' | 'Plans' | 'Runs' | 'Lineage' | 'Events' | 'System';
  readonly summary: string;
  /** Reads the path's parameters. A malformed id throws core's NotFound. */
  readonly params: Params;
  /** Reads the query: text or lists of text by name, to typed values. */
  readonly query: Query;
  /** Reads a JSON body; beside `bytes`, that of a dry run. */
  readonly body?: Body;
  readonly bytes?: BytesBody;
  readonly response: EndpointResponse<Shape>;
  /** Statuses of errors it may answer, beside 500 and 503. */
  readonly errors: readonly number[];
}

/** Path parameters or a query of which nothing is asked. */
export const nothing = z.object({});

type Given<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, S extends z.ZodType> = Omit<
  Endpoint<P, Q, B, S>,
  'params' | 'query' | 'errors' | 'body'
> & { params?: P; query?: Q; body?: B; errors?: readonly number[] };

/** Completes an endpoint: without parameters, query and errors where none are named. */
export function endpoint<
  P extends z.ZodType = typeof nothing,
  Q extends z.ZodType = typeof nothing,
  B extends z.ZodType = z.ZodUndefined,
  S extends z.ZodType = z.ZodUndefined,
>(given: Given<P, Q, B, S>): Endpoint<P, Q, B, S> {
  return {
    ...given,
    params: given.params ?? (nothing as z.ZodType as P),
    query: given.query ?? (nothing as z.ZodType as Q),
    errors: given.errors ?? [],
  };
}

/** An answer in JSON. */
export const json = <Shape extends z.ZodType>(
  schema: Shape,
  description: string,
): EndpointResponse<Shape> => ({ status: 200, contentTypes: ['application/json'], schema, description });
