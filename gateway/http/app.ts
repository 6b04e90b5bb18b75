import type { Server } from 'node:https'
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteGenericInterface } from 'fastify'

/** The public server: fastify over HTTPS. */
export type App = FastifyInstance<Server>
/** A request to the public server. */
export type Request<Route extends RouteGenericInterface = RouteGenericInterface> = FastifyRequest<Route, Server>
/** Its reply; what is sent is checked by the schema of its status. */
export type Reply = FastifyReply<RouteGenericInterface, Server>
