//! Quotas and counts of what was sent.

use jiff::civil::Date;
use serde_json::json;

use crate::answer::Answer;
use crate::call::Call;
use crate::clock::day_in_japan;
use crate::model::Via;

/// The day on which LINE began to count; earlier days are out of service.
const COUNTED_SINCE: Date = Date::constant(2018, 3, 31);

/// GET /v2/bot/message/quota
pub(crate) fn quota(call: &Call<'_>) -> Result<Answer, Answer> {
    let mut state = call.state();
    Ok(Answer::ok(&match call.channel(&mut state)?.settings.quota {
        Some(quota) => json!({ "type": "limited", "value": quota }),
        None => json!({ "type": "none" }),
    }))
}

/// GET /v2/bot/message/quota/consumption
pub(crate) fn consumption(call: &Call<'_>) -> Result<Answer, Answer> {
    let mut state = call.state();
    let billed = call.channel(&mut state)?.billed(call.now);
    Ok(Answer::ok(&json!({ "totalUsage": billed })))
}

/// GET /v2/bot/message/delivery/push
pub(crate) fn pushed(call: &Call<'_>) -> Result<Answer, Answer> {
    delivered(call, Via::Push)
}

/// GET /v2/bot/message/delivery/multicast
pub(crate) fn multicasted(call: &Call<'_>) -> Result<Answer, Answer> {
    delivered(call, Via::Multicast)
}

/// GET /v2/bot/message/delivery/reply
pub(crate) fn replied(call: &Call<'_>) -> Result<Answer, Answer> {
    delivered(call, Via::Reply)
}

/// GET /v2/bot/message/delivery/broadcast
pub(crate) fn broadcasted(call: &Call<'_>) -> Result<Answer, Answer> {
    delivered(call, Via::Broadcast)
}

/// The count of a day that is over in Japan.
fn delivered(call: &Call<'_>, via: Via) -> Result<Answer, Answer> {
    let day = call
        .query
        .get("date")
        .filter(|date| date.len() == 8)
        .and_then(|date| Date::strptime("%Y%m%d", date).ok())
        .ok_or_else(|| Answer::refuse(400, "The value for the 'date' parameter is invalid"))?;
    if day < COUNTED_SINCE {
        return Ok(Answer::ok(&json!({ "status": "out_of_service" })));
    }
    if day >= day_in_japan(call.now) {
        return Ok(Answer::ok(&json!({ "status": "unready" })));
    }
    let mut state = call.state();
    let count = call.channel(&mut state)?.sent.get(&(via, day)).copied();
    Ok(Answer::ok(
        &json!({ "status": "ready", "success": count.unwrap_or_default() }),
    ))
}
