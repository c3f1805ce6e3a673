import { Controller, Get, Header, Module, Param, ParseIntPipe, Query } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { HELLO, type PostAnswer, type ServerContender } from '../../contender.js';
import { listen } from '../listen.js';

@Controller()
class Routes {
  @Get()
  @Header('content-type', 'text/plain')
  hello(): string {
    return HELLO;
  }

  @Get('users/:id/posts/:post')
  post(
    @Param('id', ParseIntPipe) id: number,
    @Param('post') post: string,
    @Query('page') page: string,
  ): PostAnswer {
    return { id, post, page };
  }
}

@Module({ controllers: [Routes] })
class AppModule {} // eslint-disable-line @typescript-eslint/no-extraneous-class -- a module of Nest's

const nestjs: ServerContender = {
  label: 'NestJS on Express',
  async start() {
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- a class of options, passed as a literal by its documents
    const app = await NestFactory.create<NestExpressApplication>(AppModule, { logger: false });
    await app.init();
    return listen(app.getHttpServer());
  },
};
export default nestjs;
