"""The known losses as expressions, each with its source."""

KNOWN_LOSSES = {
    "cross_entropy": "neg(mul(y_true, log(y_pred)))",
    "mse": "mul(sub(y_true, y_pred), sub(y_true, y_pred))",
    # S. Akhmedova and N. Koerber, Next generation loss function for image classification, 2024.
    "ngl": "sub(exp(sub(2.4092, mul(y_pred, add(1.0, y_true)))), cos(cos(sin(y_pred))))",
    # S. Gonzalez and R. Miikkulainen, Improved training speed, accuracy, and data utilization
    # through loss function optimization, 2020.
    "baikal": "neg(sub(log(y_pred), div(y_true, y_pred)))",
    # The same, with the coefficients that CMA-ES found: -(w0 log(w1 p) - w2 t/p) with
    # w0 = 2.7278 * 0.9863, w1 = 1.5352 and w2 = 1.1135 * 1.3716 / 0.8411.
    "baikal_cma": "neg(sub(mul(2.69042914, log(mul(1.5352, y_pred))), "
                  "mul(1.8158085839971465, div(y_true, y_pred))))",
    # T.-Y. Lin, P. Goyal, R. Girshick, K. He and P. Dollar, Focal loss for dense object detection,
    # 2017: cross entropy times (1 - p)**gamma, with gamma = 2 and no weights of the classes.
    "focal": "neg(mul(mul(sub(1.0, y_pred), sub(1.0, y_pred)), mul(y_true, log(y_pred))))",
}
"""Element-wise losses by name, as expressions; a loss is the mean of them over classes."""
