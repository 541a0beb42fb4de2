import { Controller, HttpCode, Inject, Post, Req, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiBody, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ProblemDto } from '../common/problem.dto';
import { CONFIG } from '../config/config.module';
import type { Config } from '../config/config';
import type { Endpoint } from '../pricing/model';
import { readCall } from './inference-call';
import { InferenceAnswerDto, InferenceRequestDto } from './inference.dto';
import { PaidCallService } from './paid-call.service';
import { ReplyTarget, sendAnswer } from './reply';
import { RunningCalls } from './running-calls.service';

/** The OpenAI-shaped routes: one line each. A key or an x402 payment opens them; there is no guard beside that. */
@ApiTags('inference')
@ApiBearerAuth()
@ApiResponse({
  status: 200,
  type: InferenceAnswerDto,
  description: "The model server's answer, with its cost in the headers.",
})
@ApiResponse({
  status: 402,
  type: ProblemDto,
  description: 'Every way to pay: PAYMENT-REQUIRED (x402 v2), the body (x402 v1), topUpUrl.',
})
@Controller('v1')
export class InferenceController {
  constructor(
    private readonly paidCalls: PaidCallService,
    private readonly running: RunningCalls,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @Post('chat/completions')
  @HttpCode(200)
  @ApiBody({ type: InferenceRequestDto })
  @ApiOperation({ summary: 'Chat completion, plain or streamed' })
  chat(@Req() request: RawRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.serve('/v1/chat/completions', request, reply);
  }

  @Post('completions')
  @HttpCode(200)
  @ApiBody({ type: InferenceRequestDto })
  @ApiOperation({ summary: 'Legacy completion, plain or streamed' })
  complete(@Req() request: RawRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.serve('/v1/completions', request, reply);
  }

  @Post('embeddings')
  @HttpCode(200)
  @ApiBody({ type: InferenceRequestDto })
  @ApiOperation({ summary: 'Embeddings' })
  embed(@Req() request: RawRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.serve('/v1/embeddings', request, reply);
  }

  @Post('images/generations')
  @HttpCode(200)
  @ApiBody({ type: InferenceRequestDto })
  @ApiOperation({ summary: 'Images' })
  draw(@Req() request: RawRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.serve('/v1/images/generations', request, reply);
  }

  /** A call runs until its money is taken, also when its caller has gone: a process that ends waits for it. */
  private async serve(endpoint: Endpoint, request: RawRequest, reply: FastifyReply): Promise<void> {
    const { id, headers, body, rawBody } = request;
    // Behind a proxy the request itself does not know under which name it was sent.
    const origin = this.config.http.publicUrl ?? `${request.protocol}://${request.host}`;
    const url = `${origin}${endpoint}`;
    const end = this.running.begin();
    try {
      const answer = await this.paidCalls.serve(readCall({ id, endpoint, url, headers, body, rawBody }));
      if ('stream' in answer) await answer.stream(new ReplyTarget(reply));
      else sendAnswer(reply, answer);
    } finally {
      end();
    }
  }
}

type RawRequest = FastifyRequest & { rawBody?: Buffer };
