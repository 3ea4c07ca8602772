"""LINE's own SDK for Python against the double; prints what it understood as JSON."""

import json
import sys

from linebot.v3 import WebhookParser
from linebot.v3.exceptions import InvalidSignatureError
from linebot.v3.messaging import (
    ApiClient,
    ApiException,
    Configuration,
    FlexContainer,
    FlexMessage,
    MessagingApi,
    MulticastRequest,
    PushMessageRequest,
    ReplyMessageRequest,
    RichMenuRequest,
    TextMessage,
)
from linebot.v3.oauth import ApiClient as OauthClient
from linebot.v3.oauth import ChannelAccessToken
from linebot.v3.oauth import Configuration as OauthConfiguration

url, channel, secret, user, other, key = sys.argv[1:]
webhook = json.load(sys.stdin)
seen = {}

parser = WebhookParser(secret)
events = parser.parse(webhook["body"], webhook["signature"])
seen["events"] = [[event.type, event.source.user_id, event.webhook_event_id] for event in events]
seen["text"] = events[0].message.text
try:
    parser.parse(webhook["body"] + " ", webhook["signature"])
except InvalidSignatureError:
    seen["forged"] = "refused"

oauth = ChannelAccessToken(OauthClient(OauthConfiguration(host=url)))
issued = oauth.issue_stateless_channel_token(
    grant_type="client_credentials", client_id=channel, client_secret=secret
)
seen["token"] = [issued.token_type, issued.expires_in]

line = MessagingApi(ApiClient(Configuration(host=url, access_token=issued.access_token)))
profile = line.get_profile(user)
seen["profile"] = [profile.user_id, profile.display_name]
seen["bot"] = line.get_bot_info().basic_id

words = TextMessage(text="SDKから")
push = PushMessageRequest(to=user, messages=[words])
seen["push"] = len(line.push_message(push, x_line_retry_key=key).sent_messages)
try:
    line.push_message(push, x_line_retry_key=key)
except ApiException as error:
    seen["again"] = [error.status, json.loads(error.body)["message"]]
try:
    line.push_message(PushMessageRequest(to="U" + "f" * 32, messages=[words]))
except ApiException as error:
    seen["nobody"] = error.status

bubble = FlexContainer.from_dict(
    {"type": "bubble", "body": {"type": "box", "layout": "vertical", "contents": [{"type": "text", "text": "箱"}]}}
)
line.multicast(MulticastRequest(to=[user, other], messages=[FlexMessage(alt_text="箱", contents=bubble)]))
reply = ReplyMessageRequest(reply_token=events[0].reply_token, messages=[words])
seen["reply"] = len(line.reply_message(reply).sent_messages)
seen["quota"] = line.get_message_quota().type.value
seen["followers"] = line.get_followers().user_ids
menu = RichMenuRequest.from_dict(
    {"size": {"width": 800, "height": 540}, "selected": True, "name": "a", "chatBarText": "b", "areas": []}
)
made = line.create_rich_menu(menu)
seen["menus"] = line.get_rich_menu_list().richmenus[0].rich_menu_id == made.rich_menu_id

print(json.dumps(seen))
